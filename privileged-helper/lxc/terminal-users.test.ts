import { expect, it } from "vitest";
import { parsePasswd } from "./terminal-users.ts";

it("lists root, then people, then accounts of the system that have a shell", () => {
  const text = [
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "postgres:x:105:110::/var/lib/postgresql:/bin/bash",
    "zoe:x:1001:1001:Zoë,,,:/home/zoe:/usr/bin/zsh",
    "me:x:1000:1000::/home/me:",
    "sync:x:4:65534:sync:/bin:/bin/sync",
    "root:x:0:0:root:/root:/bin/bash",
  ].join("\n");
  expect(parsePasswd(text)).toEqual([
    { name: "root", uid: 0, gid: 0, home: "/root", shell: "/bin/bash" },
    { name: "me", uid: 1000, gid: 1000, home: "/home/me", shell: "/bin/sh" },
    { name: "zoe", uid: 1001, gid: 1001, home: "/home/zoe", shell: "/usr/bin/zsh" },
    { name: "postgres", uid: 105, gid: 110, home: "/var/lib/postgresql", shell: "/bin/bash" },
  ]);
});

it.each([
  "-n:x:1:1::/:/bin/sh",
  "a b:x:1:1::/:/bin/sh",
  "a:x:-1:1::/:/bin/sh",
  "a:x:0x1:1::/:/bin/sh",
  "a:x:4294967295:1::/:/bin/sh",
  "a:x:1:1::home:/bin/sh",
  "a:x:1:1::/:sh",
  "a:x:1:1::/\u001b[31m:/bin/sh",
  "a:x:1:1::/:/bin/sh:more",
  "a:x:1",
  "",
])("believes no line like %j", (line) => {
  expect(parsePasswd(`${line}\nroot:x:0:0::/root:/bin/sh`).map(({ name }) => name)).toEqual(["root"]);
});

it("is not flooded, and takes the first of two of one name", () => {
  const many = Array.from({ length: 5000 }, (_, index) => `u${index}:x:${index + 1000}:1::/:/bin/sh`);
  const users = parsePasswd(["root:x:0:0::/root:/bin/sh", "root:x:5:5::/:/bin/sh", ...many].join("\n"));
  expect(users).toHaveLength(200);
  expect(users[0]).toMatchObject({ name: "root", uid: 0 });
});
