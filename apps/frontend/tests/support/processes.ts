import { spawn, type ChildProcess } from "node:child_process";

export interface Service {
  url: string;
  /** What it has written so far, to tell why it failed. */
  output: () => string;
  stop: () => Promise<void>;
}

interface Command {
  command: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  url: string;
  /** The path that answers 200 once it serves. */
  health: string;
}

const PATIENCE_MS = 60_000;

/** Starts a server and waits until it serves; ends it again when it does not. */
export async function startService({ command, args, cwd, env, url, health }: Command): Promise<Service> {
  let output = "";
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const service = { url, output: () => output, stop: () => end(child) };
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await answers(url + health))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await service.stop();
      throw new Error(`${command} ${args.join(" ")} does not serve ${url}${health}:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return service;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(force);
}
