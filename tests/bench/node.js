// The node backend of the benchmark: a small answer, connections kept.
const [host, port] = process.argv[2].split(":");
const server = require("http").createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": 12 });
  response.end("hello world\n");
});
server.keepAliveTimeout = 60000;
server.listen(Number(port), host, 4096);
