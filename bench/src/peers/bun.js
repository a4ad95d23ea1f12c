// Bun's own publish and subscribe, which is uWebSockets': the text of a POST to /publish/CHANNEL goes to all of its sockets.
Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  async fetch(request, server) {
    const [, verb, ...rest] = new URL(request.url).pathname.split("/");
    if (verb === "publish") {
      server.publish(rest[0], await request.text());
      return new Response(null, { status: 204 });
    }
    if (server.upgrade(request, { data: { channel: rest[1] } })) return;
    return new Response(null, { status: 404 });
  },
  websocket: {
    // Seconds, as long as it allows: no pings, as for the others.
    idleTimeout: 960,
    open(socket) {
      socket.subscribe(socket.data.channel);
      // In the place of Live's hello.
      socket.send("{}");
    },
    message() {},
  },
});
