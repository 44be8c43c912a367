// A hub of its own for a test: started, waited for, stopped.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const RETEX = process.env.RETEX_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/retex");

/**
 * Starts `retex COMMAND --listen 127.0.0.1:0` in a data folder of its own and waits until `/readyz` answers.
 * @param {object} options
 * @param {string} [options.command] `demo` or `serve`
 * @param {Record<string, string>} [options.settings] RETEX_… variables beside the defaults
 * @param {string} [options.data] an existing data folder, which is then kept
 * @param {number} [options.timeout] milliseconds
 * @returns {Promise<{url: string, output: () => string, data: string, startedAt: number, stop: () => Promise<void>}>}
 */
export async function startHub({ command = "demo", settings = {}, data, timeout = 180_000 } = {}) {
  const folder = data ?? (await mkdtemp(join(tmpdir(), "retex-browser-")));
  const started = start([command, "--data", folder, "--listen", "127.0.0.1:0"], settings);
  const stop = async () => {
    await started.stop();
    if (!data) await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + timeout;
  let startedAt;
  while (Date.now() < deadline && !started.ended()) {
    const url = started.output().match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
    // When it opened: the demo's clock counts from there.
    if (url) startedAt ??= Date.now();
    if (url && (await ready(url))) return { url, output: started.output, data: folder, startedAt, stop };
    await new Promise((done) => setTimeout(done, 100));
  }
  await stop();
  throw new Error(`the hub ${started.ended() ? "stopped" : "did not answer"}:\n${started.output()}`);
}

/**
 * Starts `retex worker` beside a hub, with its settings; it works from then on.
 * @returns {Promise<{output: () => string, stop: () => Promise<void>}>}
 */
export async function startWorker({ data, settings = {}, timeout = 60_000 }) {
  const started = start(["worker", "--data", data], settings);
  const deadline = Date.now() + timeout;
  while (Date.now() < deadline && !started.ended()) {
    if (started.output().includes("Retex mène les traitements.")) return started;
    await new Promise((done) => setTimeout(done, 100));
  }
  await started.stop();
  throw new Error(`the worker ${started.ended() ? "stopped" : "did not start"}:\n${started.output()}`);
}

/** Runs `retex ARGUMENTS` to its end on a hub; gives what it says, throws where it fails. */
export async function runRetex(args, { data, settings = {}, input = "" }) {
  const child = spawn(RETEX, args, { cwd: ROOT, env: { ...shell(), ...settings, RETEX_DATA: data }, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => (output += text));
  }
  child.stdin.on("error", () => {}); // A command that reads nothing may be over before.
  child.stdin.end(`${input}\n`);
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0) throw new Error(`retex ${args.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

/** Only what is asked: settings of the person's shell must not change a test. */
function shell() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("RETEX_")));
}

function start(args, settings) {
  const child = spawn(RETEX, args, { cwd: ROOT, env: { ...shell(), ...settings }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let ended = false;
  const closed = new Promise((done) => child.once("close", () => ((ended = true), done())));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => (output += text));
  }
  const stop = async () => {
    if (ended) return;
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await closed;
    clearTimeout(late);
  };
  return { output: () => output, ended: () => ended, stop };
}

/**
 * The accounts that `retex demo` prints: one a line after the password that they share.
 * @returns {{email: string, password: string, whose: string}[]}
 */
export function accountsOf(output) {
  const password = output.match(/mot de passe pour tous : (\S+?)\)/)?.[1];
  return [...output.matchAll(/^ +(\S+@\S+) +(.+)$/gm)].map(([, email, whose]) => ({ email, password, whose }));
}

async function ready(url) {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
