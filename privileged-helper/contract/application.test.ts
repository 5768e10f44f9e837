import { describe, expect, it } from "vitest";
import { type Application, application, explainApplication } from "./application.ts";

const plain: Application = {
  argv: ["nginx", "-g", "daemon off;"],
  environment: ["PATH=/bin", "EMPTY=", "with.dots=1"],
  workingDirectory: "/srv",
  user: "www-data:1000",
  ports: ["80/tcp", "5000-5010/udp"],
  volumes: ["/data"],
  stopSignal: "SIGQUIT",
};

describe("an application", () => {
  it("is taken as it is", () => expect(application.parse(plain)).toEqual(plain));

  it.each([
    { extra: 1 },
    { argv: ["a\0b"] },
    { argv: ["x".repeat(50_000)] },
    { argv: Array(9).fill("x".repeat(10_000)) },
    { argv: Array(600).fill("x") },
    { environment: ["=x"] },
    { environment: ["NAME"] },
    { environment: ["A=\0"] },
    { workingDirectory: "srv" },
    { workingDirectory: "/a/../b" },
    { workingDirectory: "/a\nb" },
    { user: "a b" },
    { user: "-x" },
    { user: "a:b:c" },
    { user: "../x" },
    { ports: ["80"] },
    { ports: ["80/icmp"] },
    { volumes: ["data"] },
    { volumes: ["/../etc"] },
    { stopSignal: "SIGSTOP" },
    { stopSignal: "TERM" },
  ])("is none with %j", (change) => expect(application.safeParse({ ...plain, ...change }).success).toBe(false));

  it("needs a program to be started", () => {
    expect(explainApplication(plain)).toBeUndefined();
    expect(explainApplication({ argv: [] })).toMatch(/which program/);
    expect(explainApplication({ argv: ["", "x"] })).toMatch(/which program/);
  });
});
