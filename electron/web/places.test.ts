import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { createPlaces, type Places } from "./places.ts";

/** As much of a connection as gives way: a name, and its end, which is told only later. */
class Connection extends EventEmitter {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
  destroy() {
    ended.push(this.name);
    queueMicrotask(() => this.emit("close"));
  }
}
let ended: string[];
let places: Places;
beforeEach(() => {
  ended = [];
  places = createPlaces(3);
});
const take = (name: string) => {
  const socket = new Connection(name) as unknown as Socket;
  places.take(socket);
  return socket;
};

describe("places", () => {
  it("are taken without anybody's giving way while there are any, also those that were left", async () => {
    const [first] = [take("a"), take("b"), take("c")];
    first?.emit("close");
    take("d");
    expect(ended).toEqual([]);
  });

  it("are given up by whoever has been idle for longest", () => {
    const first = take("a");
    for (const name of ["b", "c"]) take(name);
    places.markBusy(first);
    places.markIdle(first);
    for (const name of ["d", "e", "f", "g"]) take(name);
    expect(ended).toEqual(["b", "c", "a", "d"]);
  });

  it("are given up by whoever is being answered only where nobody is idle", () => {
    const [first, second] = [take("a"), take("b"), take("c")];
    if (first && second) for (const socket of [second, first]) places.markBusy(socket);
    take("d");
    expect(ended).toEqual(["c"]);
    places.markBusy(take("e"));
    expect(ended).toEqual(["c", "d"]);
    take("f");
    expect(ended).toEqual(["c", "d", "b"]);
  });

  it("are kept by whoever has a right to one, and then the newcomer goes", async () => {
    for (const name of ["a", "b", "c"]) places.keep(take(name));
    const late = take("d");
    expect(ended).toEqual(["d"]);
    // What is told of a connection afterwards gives it no place.
    places.markIdle(late);
    take("e");
    expect(ended).toEqual(["d", "e"]);
  });
});
