// What a user does first, through the frontend: sign up, add a task, list it.
const base = "http://frontend";
const origin = process.env.ORIGIN;
const ask = async (method, path, body, cookie = "") => {
  const headers = { origin, "content-type": "application/json", cookie };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
};
const account = { name: "Smoke", email: `smoke-${Date.now()}@example.com`, password: crypto.randomUUID() };
const signedUp = await ask("POST", "/api/auth/sign-up/email", account);
const cookie = signedUp.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
const { id } = await (await ask("POST", "/api/tasks", { title: "Smoke test" }, cookie)).json();
const { items } = await (await ask("GET", "/api/tasks", undefined, cookie)).json();
if (!items.some((task) => task.id === id)) throw new Error("The task that was added is not in the list.");
await ask("DELETE", `/api/tasks/${id}`, undefined, cookie);
console.log("signed up, added a task, listed it");
