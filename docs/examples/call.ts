// One call, transferred, with its outcome. Run it with `npx tsx call.ts`; WARM_TRANSFER_URL and WARM_TRANSFER_KEY say where
// and as whom.

interface Call {
  id: string;
  status: string;
  ended_by: string | null;
  end_reason: string | null;
  transfers: { status: string; failure_detail: string | null }[];
  outcome: { disposition: string } | null;
}

const url = `${process.env.WARM_TRANSFER_URL}/api/v1`;
const authorization = `Bearer ${process.env.WARM_TRANSFER_KEY}`;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(method: string, path: string, body?: object, key?: string): Promise<Call> {
  const headers: Record<string, string> = { authorization };
  if (body) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    if (answer.ok) return (await answer.json()) as Call;
    // What may pass is repeated; under one Idempotency-Key that does nothing twice.
    if ([429, 503].includes(answer.status) && attempt < 8) {
      await sleep(1000 * Number(answer.headers.get("retry-after") ?? attempt));
      continue;
    }
    const problem = (await answer.json()) as { code: string; title: string; detail?: string };
    throw new Error(`${problem.code}: ${problem.detail ?? problem.title}`);
  }
}

async function waitUntil(id: string, isSo: (call: Call) => boolean): Promise<Call> {
  for (;;) {
    const call = await ask("GET", `/calls/${id}`);
    if (isSo(call)) return call;
    if (call.status === "ended") throw new Error(`the call has ended: ${call.end_reason}`);
    await sleep(500);
  }
}

async function main() {
  const deal = `deal-${Date.now()}`; // a record of yours; what is asked for on its behalf is named after it
  const wish = { agent: "agent:alice", customer: "+15550100199", external_id: deal };
  const { id } = await ask("POST", "/calls", wish, `${deal}-call`);
  console.log("placed", id);
  await waitUntil(id, (call) => call.status === "connected");
  console.log("agent and customer talk");

  const second = { to: "agent:dana", briefing: "Asks about the annual plan." };
  await ask("POST", `/calls/${id}/transfer`, second, `${deal}-transfer`);
  await waitUntil(id, (call) => call.transfers.at(-1)?.status === "joined");
  console.log("all three talk");
  await ask("POST", `/calls/${id}/transfer/complete`, undefined, `${deal}-complete`);
  await waitUntil(id, (call) => call.transfers.at(-1)?.status === "completed");
  console.log("the first agent has left");

  await ask("POST", `/calls/${id}/hangup`, undefined, `${deal}-hangup`);
  await waitUntil(id, (call) => call.status === "ended");
  const outcome = { disposition: "appointment", notes: "Dana calls back on Monday." };
  const call = await ask("PUT", `/calls/${id}/outcome`, outcome);
  const transfer = call.transfers.at(-1)?.status;
  console.log(`transfer ${transfer}, ended by ${call.ended_by}, outcome ${call.outcome?.disposition}`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
