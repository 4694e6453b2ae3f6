export interface Account {
  name: string;
  email: string;
  password: string;
}

let accounts = 0;

export function newAccount(): Account {
  accounts += 1;
  return {
    name: "Ada Lovelace",
    email: `ada-${process.pid}-${accounts}@example.com`,
    password: "correct horse battery",
  };
}
