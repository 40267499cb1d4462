// The apply functions of single rows of the option table: each reads one setting into the
// config, or says what is wrong with it.
#pragma once

#include "vassal/build.h"

namespace vassal {

using Apply = void(ConfigBuild& build, const base::Setting& s);

Apply apply_uid, apply_gid, apply_add_gid;
Apply apply_domain, apply_subscribe_to, apply_subscribe2, apply_modifier1;
Apply apply_own_router;
Apply apply_socket, apply_protocol, apply_node_param, apply_chmod_socket, apply_listen;
Apply apply_command_type, apply_stop_signal, apply_chdir, apply_pyargv, apply_mount,
    apply_env, apply_static_map, apply_interface, apply_asgi_connections,
    apply_websockets_max_size;
Apply apply_processes, apply_threads, apply_buffer_size, apply_idle, apply_start;
Apply apply_cpu_max, apply_cpu_weight, apply_pids_max, apply_io_max, apply_cgroup,
    apply_cgroup_opt;
Apply apply_limit_as, apply_prio, apply_umask;
Apply apply_queue_max, apply_queue_timeout, apply_concurrency_max, apply_bandwidth_max;
Apply apply_hook;
Apply apply_logto, apply_daemonize, apply_logger, apply_log_encoder, apply_log_date,
    apply_log_maxsize, apply_log_keep, apply_log_rate;
Apply apply_health_check, apply_touch_reload, apply_touch_workers_reload,
    apply_touch_logrotate, apply_touch_logreopen;
Apply apply_plugins, apply_route;

}  // namespace vassal
