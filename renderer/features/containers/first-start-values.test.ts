import { describe, expect, it } from "vitest";
import { firstStart } from "../../../privileged-helper/contract/first-start.ts";
import type { Template } from "../../../privileged-helper/contract/model.ts";
import {
  explainFirstStart,
  type FirstStartValues,
  isFirstStartGood,
  nothingAtFirstStart,
  reasonAgainstPackages,
  toFirstStart,
} from "./first-start-values.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here";
const typed = (values: Partial<FirstStartValues>): FirstStartValues => ({ ...nothingAtFirstStart, ...values });
const errorsOf = (values: Partial<FirstStartValues>) =>
  Object.fromEntries(Object.entries(explainFirstStart(typed(values), undefined)).filter(([, error]) => error !== undefined));

describe("the fields of a first start", () => {
  it("ask for nothing where nothing was typed", () => {
    expect(toFirstStart(nothingAtFirstStart)).toBeUndefined();
    expect(toFirstStart(typed({ packages: " , ", key: " ", command: "\n " }))).toBeUndefined();
    expect(errorsOf({})).toEqual({});
  });

  it("become a request that the contract takes", () => {
    const asked = toFirstStart(typed({ packages: "curl, g++\nvim", user: "me", key: `\n${key}\n`, command: "echo a\necho b\n" }));
    expect(asked).toEqual({
      packages: ["curl", "g++", "vim"],
      user: { name: "me", key, mayBecomeRoot: true },
      command: "echo a\necho b\n",
    });
    expect(firstStart.parse(asked)).toEqual(asked);
    expect(toFirstStart(typed({ user: "me", mayBecomeRoot: false }))).toEqual({ user: { name: "me", mayBecomeRoot: false } });
  });

  it("say beside each field what is wrong with it", () => {
    expect(errorsOf({ packages: "curl -y", user: "Me", key: "abc", command: "a\0" })).toEqual({
      packages: expect.stringContaining('"-y"'),
      user: expect.stringContaining("lower-case"),
      key: expect.stringContaining("type"),
      command: expect.stringContaining("control"),
    });
    expect(errorsOf({ key })).toEqual({ user: expect.stringContaining("Whose") });
  });

  it("take no packages where none can be installed", () => {
    const busybox: Template = {
      name: "busybox",
      title: "BusyBox",
      description: "",
      missingTools: [],
      canInstallTools: false,
      options: [],
      hasNoPackages: true,
    };
    expect(reasonAgainstPackages("default", undefined)).toBeUndefined();
    expect(reasonAgainstPackages("default", { ...busybox, hasNoPackages: undefined })).toBeUndefined();
    expect(reasonAgainstPackages("none", undefined)).toContain("no network");
    const reason = reasonAgainstPackages("default", busybox);
    expect(reason).toBe("BusyBox has no package manager.");
    expect([isFirstStartGood(typed({ packages: "curl" }), reason), isFirstStartGood(typed({ user: "me" }), reason)]).toEqual([false, true]);
  });
});
