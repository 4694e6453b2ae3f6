import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort } from "./net";

const run = promisify(execFile);

export interface Postgres {
  url: string;
  stop: () => Promise<void>;
}

/** Starts an empty Postgres of this machine's own binaries on a free port, with its data in a new folder. */
export async function startPostgres(): Promise<Postgres> {
  const bin = binaries();
  const folder = await mkdtemp(path.join(tmpdir(), "todo-postgres-"));
  const identity = await unprivileged(folder);
  const data = path.join(folder, "data");
  const port = await freePort();
  await run(path.join(bin, "initdb"), ["-D", data, "-U", "todo", "-A", "trust", "-E", "UTF8", "--no-sync"], identity);
  const server = spawn(
    path.join(bin, "postgres"),
    ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"],
    { ...identity, stdio: "ignore" },
  );
  await ready(path.join(bin, "pg_isready"), port);
  await run(path.join(bin, "createdb"), ["-h", "127.0.0.1", "-p", String(port), "-U", "todo", "todo"]);
  return {
    url: `postgresql://todo@127.0.0.1:${port}/todo`,
    stop: async () => {
      // A fast shutdown: open connections are cut, and nothing is left to wait for.
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function binaries(): string {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => path.join(debian, version, "bin")), ...process.env.PATH!.split(":")];
  const found = folders.find((folder) => existsSync(path.join(folder, "initdb")));
  if (!found) {
    throw new Error("No Postgres on this machine: install it (Debian: postgresql), or set DATABASE_URL.");
  }
  return found;
}

/** Postgres refuses to run as root: root lends the folder to the user that the package has made. */
async function unprivileged(folder: string): Promise<{ uid?: number; gid?: number; cwd: string }> {
  if (process.getuid?.() !== 0) {
    return { cwd: folder };
  }
  const id = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  const [uid, gid] = [await id("-u"), await id("-g")];
  await chown(folder, uid, gid);
  return { uid, gid, cwd: folder };
}

async function ready(pgIsReady: string, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await run(pgIsReady, ["-q", "-h", "127.0.0.1", "-p", String(port)]);
      return;
    } catch (error) {
      if (tries === 100) {
        throw new Error("Postgres does not start", { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
