// Owns a page that is told of made-up calls: its stream and its questions are answered in the page, everything else is real.

/** Makes the page see `snapshot` for ever, before it is opened. `answers`: what `/console/{name}` says. */
export async function pretend(page, snapshot, answers) {
  await page.addInitScript(
    ([said, known]) => {
      const real = globalThis.fetch;
      globalThis.fetch = (resource, options) => {
        const { pathname } = new URL(String(resource), location.href);
        if (pathname === "/console/stream") {
          const told = { ...said, build: document.querySelector('meta[name="build"]').content };
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode(`event: snapshot\ndata: ${JSON.stringify(told)}\n\n`));
            },
          });
          return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
        }
        const answer = known[pathname.replace("/console/", "")];
        return answer ? Promise.resolve(Response.json(answer)) : real(resource, options);
      };
    },
    [snapshot, answers],
  );
}
