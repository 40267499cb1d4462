#include "vassal/config.h"

#include <doctest/doctest.h>

#include "tests/config/machine.h"
#include "vassal/address.h"
#include "vassal/sockets.h"

using machine::make;
using machine::settings;
using vassal::SocketAddress;
using namespace std::chrono_literals;

TEST_SUITE("config") {
  TEST_CASE("config: an ordinary vassal file") {
    const auto made = make(
        "uid = alice\ngid = www-data\nchdir = /srv/alice\nwsgi-file = app.py\ncallable = "
        "app\n"
        "domain = A.Example.com *.b.example.\nprocesses = 4\nmaster = true\nvacuum = "
        "true\n"
        "socket = /run/a.sock\nchmod-socket = 660\nchown-socket = "
        "alice:www-data\nharakiri = 30\n"
        "max-requests = 5000\nenv = A=1\nenv = B = x = y\npythonpath = /one\npp = "
        "/two\nhome = /venv\n"
        "mount = /api=api:app\nstatic-map = /static=/srv/static\nbuffer-size = "
        "32768\nprio = -5\n"
        "memory-max = 256M\ncpu-max = 50%\npids-max = 64\ncpu-weight = 200\nlimit-as = "
        "512\numask = 022\n"
        "pyargv = one  two\nlisten = 1024\nadd-gid = users\nadd-gid = 7\n");
    const auto& c = made.config;
    CHECK(made.told().empty());
    CHECK(c.uid == 1001);
    CHECK(c.gid == 33);
    CHECK(c.user_name == "alice");
    CHECK(c.add_gids == std::vector<gid_t>{100, 7});
    CHECK(c.directory == "/v");
    CHECK(c.chdir == "/srv/alice");
    CHECK(c.wsgi_file == "app.py");
    CHECK(c.callable == "app");
    CHECK(c.domains == std::vector<std::string>{"a.example.com", "*.b.example"});
    CHECK(c.processes == 4);
    REQUIRE(c.sockets.size() == 1);
    CHECK(c.sockets[0].path == "/run/a.sock");
    CHECK(c.chmod_socket == 0660);
    CHECK(c.chown_socket == "alice:www-data");
    CHECK(c.harakiri == 30s);
    CHECK(c.max_requests == 5000);
    CHECK(c.env ==
          std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", "x = y"}});
    CHECK(c.pythonpath == std::vector<std::string>{"/one", "/two"});
    CHECK(c.virtualenv == "/venv");
    REQUIRE(c.mounts.size() == 1);
    CHECK(c.mounts[0].target == "api:app");
    REQUIRE(c.static_maps.size() == 1);
    CHECK(c.static_maps[0].directory == "/srv/static");
    CHECK(c.buffer_size == 32768);
    CHECK(c.nice == -5);
    CHECK(c.limits.memory_max == 268435456);
    CHECK(c.limits.cpu_max_percent == 50);
    CHECK(c.limits.pids_max == 64);
    CHECK(c.limits.cpu_weight == 200);
    CHECK(c.limit_as_bytes == uint64_t{512} << 20);
    CHECK(c.umask == 022);
    CHECK(c.pyargv == std::vector<std::string>{"one", "two"});
    CHECK(c.listen == 1024);
  }

  TEST_CASE("config: what is wrong is told with its line, all at once") {
    const auto made = make(
        "uid = nobody-here\ngid = none-here\nprocesses = many\nmemory-max = "
        "lots\ncpu-max = fast\n"
        "domain = not/a/host\nchmod-socket = rw\nsocket = 127.0.0.1:99999\npids-max = 0\n"
        "processes = 1024\nharakiri = -1\nmount = nothing\ncpu-weight = 0\nadd-gid = "
        "none\numask = 9\n");
    CHECK(made.errors() ==
          "/v/site.ini:2: unknown user 'nobody-here'\n"
          "/v/site.ini:3: unknown group 'none-here'\n"
          "/v/site.ini:4: processes = many: not a number\n"
          "/v/site.ini:5: memory-max = lots: not a size; write 256M or 1G\n"
          "/v/site.ini:6: cpu-max = fast: write 50% or 200%\n"
          "/v/site.ini:7: 'not/a/host' is neither a host name nor a *.wildcard\n"
          "/v/site.ini:8: chmod-socket = rw: not an octal mode like 660\n"
          "/v/site.ini:9: socket: '127.0.0.1:99999' has no port between 0 and 65535\n"
          "/v/site.ini:10: pids-max = 0: write a number above 0\n"
          "/v/site.ini:11: processes = 1024: at most 1023 are possible\n"
          "/v/site.ini:12: harakiri = -1: a negative number makes no sense here\n"
          "/v/site.ini:13: mount = nothing: write /prefix=app.py or /prefix=mod:name\n"
          "/v/site.ini:14: cpu-weight = 0: write a number from 1 to 10000\n"
          "/v/site.ini:15: unknown group 'none'\n"
          "/v/site.ini:16: umask = 9: not an octal mode like 022\n");
  }

  TEST_CASE("config: comments and quotes behind values stay, and are warned about") {
    const auto made = make(
        "processes = 4 ; four\nchdir = \"/srv\"\nvacuum = true # yes\nthreads = 2\t# "
        "two\n");
    CHECK(made.config.processes == 4);
    CHECK(made.config.threads == 2);
    CHECK(made.config.chdir == "/v/\"/srv\"");
    CHECK(made.told() ==
          "/v/site.ini:2: warning: '; four' is part of the value: there are no comments "
          "behind values\n"
          "/v/site.ini:2: warning: '4 ; four' is not a number: processes = 4 is used\n"
          "/v/site.ini:3: warning: the quotes are part of the value of 'chdir'\n"
          "/v/site.ini:4: warning: '# yes' is part of the value: there are no comments "
          "behind values\n"
          "/v/site.ini:5: warning: '# two' is part of the value: there are no comments "
          "behind values\n"
          "/v/site.ini:5: warning: '2\\x09# two' is not a number: threads = 2 is used\n");
    // where such text is usual nothing is said
    CHECK(make("attach-daemon = a ; b\nlog-format = %(uri) ; %(status)\n")
              .told()
              .find("part of") == std::string::npos);
  }

  TEST_CASE(
      "config: unknown keys warn with the nearest name, once each, and fail under "
      "strict") {
    const auto made =
        make("vaccum = true\nvaccum = true\nenable_threads = 1\nsomething-else = 1\n");
    CHECK(made.told() ==
          "/v/site.ini:2: warning: unknown option 'vaccum': did you mean 'vacuum'?\n"
          "/v/site.ini:4: warning: unknown option 'enable_threads': did you mean "
          "'enable-threads'?\n"
          "/v/site.ini:5: warning: unknown option 'something-else'\n");
    CHECK(make("strict = true\nprocesess = 2\n").errors() ==
          "/v/site.ini:3: unknown option 'procesess': did you mean 'processes'?\n");
    CHECK(make("strict = true\nbase = /srv\nchdir = %(base)\n").told().empty());
    CHECK(make("strict = true\nset-ph = base=/srv\n").told().empty());
    CHECK(make("strict = false\nprocesess = 2\n").errors().empty());
  }

  TEST_CASE(
      "config: uWSGI options that nothing is done for say so instead of being unknown") {
    const auto told =
        make("strict = true\nmaster = 1\ntuntap-device = x\ncheaper = 2\nmules = 2\n")
            .told();
    CHECK(told.find("tuntap-device") != std::string::npos);
    CHECK(told.find("unknown") == std::string::npos);
    CHECK(told.find("/v/site.ini:5: warning: cheaper has no effect") !=
          std::string::npos);
    CHECK(make("stats-http = false\n").told().empty() == false);
    CHECK(make("route = ^/x donotlog:\n").errors().empty());
    CHECK(
        make("route = ^/admin basicauth:Admin,u:p\n").errors().find("internal routing") !=
        std::string::npos);
  }

  TEST_CASE("config: policy is above the file, the file above the defaults") {
    vassal::Layers layers;
    layers.defaults =
        settings("processes = 3\nharakiri = 77\nenv = A=1\n", "/etc/defaults.ini");
    layers.vassal =
        settings("module = app\nharakiri = 55\nmemory-max = 10G\nenv = B=2\n");
    layers.policy = settings("memory-max = 256M\n", "/etc/policy.ini");
    const auto made = make(layers);
    CHECK(made.config.processes == 3);
    CHECK(made.config.harakiri == 55s);
    CHECK(made.config.limits.memory_max == 268435456);
    CHECK(made.config.env.size() == 2);
    CHECK(made.told().empty());
  }

  TEST_CASE("config: a tenant cannot set what is the operator's") {
    vassal::Layers layers;
    layers.defaults = settings("memory-max = 256M\n", "/etc/defaults.ini");
    layers.vassal = settings(
        "module = app\nmemory-max = 10G\nuid = root\ncgroup-opt = pids.max=1\nprocesses "
        "= 2\n");
    layers.author = vassal::Author::tenant;
    const auto made = make(layers);
    CHECK(made.config.limits.memory_max == 268435456);
    CHECK_FALSE(made.config.limits.pids_max);
    CHECK_FALSE(made.config.uid);
    CHECK(made.config.processes == 2);
    CHECK(made.told().find("/v/site.ini:3: warning: memory-max is ignored: only the "
                           "operator may set it") == 0);
  }

  TEST_CASE("config: groups follow the user") {
    CHECK(make("uid = alice\n").config.gid == 100);
    CHECK(make("uid = 0\n").config.gid == 0);
    CHECK(make("uid = 0\n").errors().empty());
    const auto numeric = make("uid = 4242\n");
    CHECK(numeric.config.gid == 4242);
    CHECK(numeric.config.user_name.empty());
    CHECK(numeric.told().find("uid 4242 has no entry") != std::string::npos);
    CHECK(make("uid = 4242\ngid = 7\n").told().empty());
    CHECK_FALSE(make("").config.uid);
    CHECK_FALSE(make("uid = 4294967295\n").errors().empty());
  }

  TEST_CASE("config: a file without an application cannot be served") {
    vassal::Layers layers;
    layers.vassal = settings("uid = alice\n");
    layers.file = "/v/site.ini";
    CHECK(make(layers).errors() ==
          "/v/site.ini: no application: none of wsgi-file, module, mount and command is "
          "set\n");
    layers.vassal = settings("command = ./server\n");
    CHECK(make(layers).config.runtime == "command");
    CHECK(make(layers).errors().empty());
  }

  TEST_CASE("config: socket addresses") {
    struct Row {
      const char* written;
      SocketAddress::Kind kind;
      const char* path;
      const char* host;
      uint16_t port;
      const char* text;
    };
    using enum SocketAddress::Kind;
    const Row rows[] = {
        {"/run/a.sock", unix_path, "/run/a.sock", "", 0, "/run/a.sock"},
        {"a.sock", unix_path, "/d/a.sock", "", 0, "/d/a.sock"},
        {"/run/a:b", unix_path, "/run/a:b", "", 0, "/run/a:b"},
        {"@name", abstract, "name", "", 0, "@name"},
        {"\\0name", abstract, "name", "", 0, "@name"},
        {"127.0.0.1:8000", tcp, "", "127.0.0.1", 8000, "127.0.0.1:8000"},
        {":8000", tcp, "", "", 8000, ":8000"},
        {"localhost:0", tcp, "", "127.0.0.1", 0, "localhost:0"},
        {"[::1]:80", tcp, "", "::1", 80, "[::1]:80"},
        {"[::]:80", tcp, "", "::", 80, "[::]:80"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.written);
      const auto address = vassal::parse_socket_address(row.written, "/d");
      REQUIRE(address);
      CHECK(address->kind == row.kind);
      CHECK(address->path == row.path);
      CHECK(address->host == row.host);
      CHECK(address->port == row.port);
      CHECK(address->text == row.text);
    }
    for (const char* bad : {"", "@", "host.example:80", ":x", ":65536", ":", "[::1:80",
                            "[x]:80", "fd://3", "=0", "::", "127.*:0", "1.2.3:80"}) {
      CAPTURE(bad);
      CHECK_FALSE(vassal::parse_socket_address(bad, "/d"));
    }
    CHECK(vassal::parse_socket_address("/" + std::string(106, 'x'), ""));
    const auto long_path = vassal::parse_socket_address("/" + std::string(107, 'x'), "");
    REQUIRE_FALSE(long_path);
    CHECK(long_path.error().message().find("at most 107") != std::string::npos);
    CHECK(vassal::parse_socket_address("@" + std::string(107, 'x'), ""));
    CHECK_FALSE(vassal::parse_socket_address("@" + std::string(108, 'x'), ""));
  }

  TEST_CASE("config: relative sockets start at the last chdir, wherever it stands") {
    const auto made =
        make("socket = a.sock\nchdir = /first\nchdir = /srv\nsocket = a.sock\n");
    REQUIRE(made.config.sockets.size() == 1);
    CHECK(made.config.sockets[0].path == "/srv/a.sock");
    CHECK(made.told().find("stands here twice") != std::string::npos);
    CHECK(make("socket = a.sock\n").config.sockets[0].path == "/v/a.sock");
  }

  TEST_CASE("config: what is spoken on the sockets of a command") {
    using enum vassal::SocketProtocol;
    const auto made = make(
        "command = ./server\nsocket = /run/a\nuwsgi-socket = /run/b\nprotocol = http\n"
        "fastcgi-socket = :9000\nscgi-socket = @s\nhttp-socket = [::]:80\n");
    CHECK(made.told().empty());
    const auto& sockets = made.config.sockets;
    REQUIRE(sockets.size() == 5);
    CHECK(sockets[0].protocol == http);
    CHECK(sockets[1].protocol == uwsgi);
    CHECK(sockets[2].protocol == fastcgi);
    CHECK(sockets[3].protocol == scgi);
    CHECK(sockets[4].protocol == http);
    CHECK(make("command = x\nprotocol = raw\n").told().find("write uwsgi, http") !=
          std::string::npos);
  }

  TEST_CASE("config: applications of ours speak uwsgi on their sockets, and it is said") {
    const auto made = make(
        "protocol = http\nhttp-socket = :$(PORT)\nsocket = :8000\nscgi-socket = x\n");
    CHECK(made.errors().empty());
    REQUIRE(made.config.sockets.size() == 1);
    CHECK(made.config.sockets[0].text == ":8000");
    CHECK(made.config.sockets[0].protocol == vassal::SocketProtocol::uwsgi);
    for (const char* key : {"protocol = http", "http-socket", "scgi-socket"})
      CHECK(made.told().find(std::string(key) + " has no effect without command") !=
            std::string::npos);
  }

  TEST_CASE("config: the router reaches a command at its first known address") {
    struct Row {
      const char* lines;
      const char* address;  ///< empty: it does not
    };
    const Row rows[] = {
        {"socket = :0\nhttp-socket = :8000\n", "127.0.0.1:8000"},
        {"socket = 0.0.0.0:1\n", "127.0.0.1:1"},
        {"socket = 10.0.0.1:1\n", "10.0.0.1:1"},
        {"socket = [::]:1\n", "[::1]:1"},
        {"socket = [fe80::1]:1\n", "[fe80::1]:1"},
        {"socket = a.sock\nsocket = @b\n", "/v/a.sock"},
        {"socket = @b\n", "@b"},
        {"socket = :0\n", ""},
        {"", ""},
    };
    for (const Row& row : rows) {
      CAPTURE(row.lines);
      const auto made =
          make(std::string(row.lines) + "command = x\ndomain = a.example\n");
      const auto target = vassal::relay_target(made.config);
      CHECK(target.has_value() == (*row.address != '\0'));
      CHECK(made.config.domains.empty() == !target.has_value());
      if (target) CHECK(target->address == row.address);
    }
    CHECK_FALSE(vassal::relay_target(make("socket = @b\n").config));
  }

  TEST_CASE("config: socket modes") {
    CHECK(make("chmod-socket\n").config.chmod_socket == 0666);
    CHECK(make("chmod = 1\n").config.chmod_socket == 0666);
    CHECK(make("chmod-socket = 0660\n").config.chmod_socket == 0660);
    CHECK_FALSE(make("").config.chmod_socket);
  }

  TEST_CASE("config: subscriptions claim the host name they announce") {
    struct Row {
      const char* line;
      const char* server;
      const char* key;
      const char* domain;
    };
    const Row rows[] = {
        {"subscribe-to = 127.0.0.1:4040:a.example", "127.0.0.1:4040", "a.example",
         "a.example"},
        {"subscribe-to = /tmp/sock2:A.example,0,SHA1:/key", "/tmp/sock2", "A.example",
         "a.example"},
        {"subscribe = [::1]:4040:a.example", "[::1]:4040", "a.example", "a.example"},
        {"subscribe-to = =0=10.0.0.1:4040:a.example", "10.0.0.1:4040", "a.example",
         "a.example"},
        {"subscribe-to = 10.0.0.2:80=10.0.0.1:4040:a.example", "10.0.0.1:4040",
         "a.example", "a.example"},
        {"subscribe2 = server=/run/s,key=a.example,addr=/run/x,weight=2", "/run/s",
         "a.example", "a.example"},
        {"subscribe2 = key=*.a.example", "", "*.a.example", "*.a.example"},
        {"subscribe-to = 127.0.0.1:4040:127.0.0.1:8080", "127.0.0.1:4040",
         "127.0.0.1:8080", ""},
    };
    for (const Row& row : rows) {
      CAPTURE(row.line);
      const auto made = make(std::string(row.line) + "\n");
      REQUIRE(made.config.subscriptions.size() == 1);
      const auto& sub = made.config.subscriptions[0];
      CHECK(sub.server == row.server);
      CHECK(sub.key == row.key);
      CHECK(sub.domain == row.domain);
      CHECK(sub.ours);
      CHECK(made.config.domains.size() == (*row.domain == '\0' ? 0 : 1));
      CHECK(made.errors().empty());
    }
    CHECK(make("subscribe-to = nonsense\nsubscribe2 = server=x\n")
              .told()
              .find("not SERVER:KEY") != std::string::npos);
  }

  TEST_CASE("config: a subscription to somebody else's router claims nothing here") {
    vassal::Layers layers;
    layers.vassal = settings(
        "module = app\nsubscribe-to = 0.0.0.0:4040:a.example\nsubscribe-to = "
        "10.0.0.9:4040:b.example\n"
        "subscribe-to = /run/sub:c.example\ndomain = a.example\n");
    const auto made = make(layers, {.own_routers = {"127.0.0.1:4040", "/run/sub"}});
    CHECK(made.config.domains == std::vector<std::string>{"a.example", "c.example"});
    REQUIRE(made.config.subscriptions.size() == 3);
    CHECK_FALSE(made.config.subscriptions[1].ours);
  }

  TEST_CASE("config: uWSGI's cgroup options are mapped") {
    const auto made = make(
        "cgroup = /sys/fs/cgroup/memory/x\ncgroup-opt = memory.limit_in_bytes=256M\n"
        "cgroup-opt = cpu.shares:512\ncgroup-opt = pids.max=20\ncgroup-opt = "
        "memory.swappiness=10\n"
        "cgroup-opt = cpu.cfs_period_us=50000\ncgroup-opt = cpu.cfs_quota_us=100000\n"
        "cgroup-opt = memory.swappiness=20\n");
    const auto& limits = made.config.limits;
    CHECK(made.told().empty());
    CHECK(limits.memory_max == 268435456);
    CHECK(limits.cpu_weight == 50);
    CHECK(limits.pids_max == 20);
    CHECK(limits.cpu_max_percent == 200);
    CHECK(limits.raw ==
          std::vector<std::pair<std::string, std::string>>{{"memory.swappiness", "20"}});
    CHECK(make("cgroup-opt = cpu.max=50000 100000\n").config.limits.cpu_max_percent ==
          50);
    CHECK(make("cgroup-opt = cpu.max=max 100000\n").errors().empty());
    CHECK_FALSE(
        make("memory-max = 1G\ncgroup-opt = memory.max=max\n").config.limits.memory_max);
    for (const char* bad :
         {"nothing", "=5", "../../x=1", ".hidden=1", "cpu.shares=a", "memory.max=a",
          "cpu.max=a b", "pids.max=", "cpu.cfs_quota_us=x"}) {
      CAPTURE(bad);
      CHECK_FALSE(make("cgroup-opt = " + std::string(bad) + "\n").errors().empty());
    }
  }

  TEST_CASE("config: numbers that are none keep the default or the digits") {
    CHECK(make("processes = 0\n").config.processes == 1);
    CHECK(make("processes\n").config.processes == 1);
    CHECK(make("processes\n").errors().empty());
    CHECK(make("worker-reload-mercy = $(UNSET)\n").config.worker_reload_mercy == 60s);
    CHECK(make("harakiri = 20 ; s\n").config.harakiri == 20s);
    CHECK(make("buffer-size = 1000000\n").config.buffer_size == 65535);
    CHECK(make("limit-as = 1.5\n").config.limit_as_bytes == 1572864);
    CHECK(make("limit-as = 2G\n").config.limit_as_bytes == uint64_t{2} << 30);
    CHECK(make("prio = 100\n").config.nice == 19);
  }

  TEST_CASE("config: sleep") {
    CHECK(make("idle = 5m\n").config.idle == 300s);
    CHECK(make("idle = 0\n").told().empty());
    CHECK_FALSE(make("idle = 5m\n").config.start_lazy);
    CHECK(make("start = lazy\n").config.start_lazy);
    CHECK_FALSE(make("start = lazy\nstart = now\n").config.start_lazy);
    CHECK(make("start = later\n").told().find("start is either now or lazy") !=
          std::string::npos);
    CHECK(make("cheap = true\n").config.start_lazy);
  }

  TEST_CASE("config: logs") {
    CHECK(make("logto = /var/log/a.log\n").config.logto == "/var/log/a.log");
    CHECK(make("daemonize = a.log\n").config.logto == "/v/a.log");
    CHECK(make("daemonize = true\n").config.logto.empty());
    CHECK(make("logto = 10.0.0.1:514\n").config.logto.empty());
    CHECK(make("disable-logging = false\n").config.disable_logging == false);
    CHECK(make("disable-logging\n").config.disable_logging);
  }

  TEST_CASE("config: env without a value and odd ones are told") {
    const auto made = make("env = ONLY\nenv = =x\nenv\nunenv = HOME\n");
    CHECK(made.config.env ==
          std::vector<std::pair<std::string, std::string>>{{"ONLY", ""}});
    CHECK(made.config.unenv == std::vector<std::string>{"HOME"});
    CHECK(made.errors().empty());
  }

  TEST_CASE("config: foreign plugins are named, python is not") {
    const auto told = make("plugins = python3,http, php\nplugin = 0:cgi\n").told();
    CHECK(told.find("'php'") != std::string::npos);
    CHECK(told.find("'0:cgi'") != std::string::npos);
    CHECK(told.find("python3") == std::string::npos);
  }

  TEST_CASE("config: what an ASGI application is served with") {
    const auto plain = make("uid = alice\nmodule = a\n").config;
    CHECK(plain.interface == vassal::Interface::automatic);
    CHECK(plain.asgi_connections == 1000);
    CHECK(plain.websockets_max_size == 1 << 20);
    const auto made = make(
        "uid = alice\nmodule = a\ninterface = asgi\nasgi-connections = 0\n"
        "websocket-max-size = 16\n");
    CHECK(made.told().empty());
    CHECK(made.config.interface == vassal::Interface::asgi);
    CHECK(made.config.asgi_connections == 1);
    CHECK(made.config.websockets_max_size == 16 << 10);
    CHECK_FALSE(make("uid = alice\nmodule = a\ninterface = cgi\n").told().empty());
  }

  TEST_CASE("config: the first error is the one to show") {
    vassal::Layers layers;
    layers.vassal = settings("vaccum = 1\nuid = nobody-here\nmodule = a\n");
    const auto parsed = vassal::make_config(layers, machine::FewNames());
    REQUIRE(parsed.first_error() != nullptr);
    CHECK(parsed.first_error()->message() == "/v/site.ini:3: unknown user 'nobody-here'");
    layers.vassal = settings("module = a\n");
    CHECK(vassal::make_config(layers, machine::FewNames()).first_error() == nullptr);
  }

  TEST_CASE("config: the users of this machine are known") {
    const auto& names = vassal::system_names();
    CHECK(names.uid_of("root") == 0);
    CHECK(names.name_of(0) == "root");
    CHECK(names.gid_of("root") == 0);
    CHECK(names.primary_gid_of(0) == 0);
    CHECK_FALSE(names.uid_of("no-such-user-here"));
    CHECK_FALSE(names.name_of(4242424));
  }
}
