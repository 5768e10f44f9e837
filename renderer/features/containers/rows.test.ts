import { describe, expect, it } from "vitest";
import type { Container } from "../../../privileged-helper/contract/model.ts";
import { sampleContainer } from "../../../privileged-helper/contract/testing/sample-container.ts";
import { filterContainers, sortContainers } from "./rows.ts";

const container = (name: string, more: Partial<Container> = {}) => sampleContainer(name, { state: "running", ...more });
const names = (containers: Container[]) => containers.map(({ name }) => name);
const reading = (name: string, cpuPercent: number) => ({ [name]: [{ time: 1, afterGap: false, sample: { name, cpuPercent } }] });

describe("the filter", () => {
  const all = [container("web", { ipv4: ["10.0.3.7"] }), container("mail", { state: "stopped" })];
  it.each([
    ["", ["web", "mail"]],
    ["  ", ["web", "mail"]],
    ["WE", ["web"]],
    ["10.0.3", ["web"]],
    ["stopped", ["mail"]],
    ["web running", ["web"]],
    ["web stopped", []],
  ])("%j finds %j", (filter, found) => {
    expect(names(filterContainers(all, filter))).toEqual(found);
  });
});

describe("sorting", () => {
  it("takes numbers in names as numbers", () => {
    const sorted = sortContainers([container("web-10"), container("web-9"), container("web-1")], { key: "name", isDescending: false }, {});
    expect(names(sorted)).toEqual(["web-1", "web-9", "web-10"]);
  });
  it("takes addresses as numbers, and those without one come last either way", () => {
    const all = [container("none"), container("b", { ipv4: ["10.0.3.100"] }), container("a", { ipv4: ["10.0.3.20"] })];
    expect(names(sortContainers(all, { key: "address", isDescending: false }, {}))).toEqual(["a", "b", "none"]);
    expect(names(sortContainers(all, { key: "address", isDescending: true }, {}))).toEqual(["b", "a", "none"]);
  });
  it("uses the newest figures, and the name where they are equal", () => {
    const points = { ...reading("a", 5), ...reading("b", 50), ...reading("c", 5) };
    const all = [container("d", { state: "stopped" }), container("c"), container("b"), container("a")];
    expect(names(sortContainers(all, { key: "cpu", isDescending: true }, points))).toEqual(["b", "a", "c", "d"]);
  });
  it("puts the shortest uptime first", () => {
    const all = [container("old", { startedAt: 1_000 }), container("new", { startedAt: 9_000 })];
    expect(names(sortContainers(all, { key: "uptime", isDescending: false }, {}))).toEqual(["new", "old"]);
  });
});
