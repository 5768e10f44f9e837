import { connect, type Socket } from "node:net";

/**
 * As much of D-Bus as it takes to be called by polkit: the system bus, little-endian, messages without file descriptors
 * (https://dbus.freedesktop.org/doc/dbus-specification.html). Programs that are at hand here can call, but not be called.
 */
export type SystemBus = {
  /** Calls a method. Rejects with the error's name and text. */
  call(to: Address, member: string, signature: string, body: Buffer): Promise<void>;
  close(): Promise<void>;
};
export type Address = { destination: string; path: string; interface: string };

/** A call from the bus: its member, the strings that its body begins with, and how it is answered. */
export type IncomingCall = {
  member: string;
  readStrings(count: number): string[];
  reply(): void;
  replyError(name: string, text: string): void;
};

const socketPath = "/run/dbus/system_bus_socket";
const fixedHeaderBytes = 16;
const methodCall = 1;
const methodReturn = 2;
const errorReply = 3;
/** Header fields by their codes; each has one type. */
const fieldTypes: Record<number, string> = { 1: "o", 2: "s", 3: "s", 4: "s", 5: "u", 6: "s", 7: "s", 8: "g", 9: "u" };
type Fields = Record<number, string | number>;

export async function openSystemBus(onCall: (call: IncomingCall) => void): Promise<SystemBus> {
  const socket = connect(socketPath);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  await authenticate(socket);
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
  let serial = 0;

  const send = (type: number, fields: Fields, body: Buffer) => {
    serial += 1;
    socket.write(encodeMessage(type, serial, fields, body));
    return serial;
  };
  const call: SystemBus["call"] = (to, member, signature, body) =>
    new Promise((resolve, reject) => {
      const fields: Fields = { 1: to.path, 2: to.interface, 3: member, 6: to.destination };
      if (signature !== "") fields[8] = signature;
      waiting.set(send(methodCall, fields, body), { resolve, reject });
    });

  let unread: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    for (;;) {
      const message = decodeMessage(unread);
      if (!message) return;
      unread = unread.subarray(message.bytes);
      const { type, serial: theirs, fields, body } = message;
      if (type === methodCall) {
        const back: Fields = { 5: theirs, 6: fields[7] ?? "" };
        onCall({
          member: String(fields[3]),
          readStrings: (count) => readStrings(body, count),
          reply: () => send(methodReturn, back, Buffer.alloc(0)),
          replyError: (name, text) => send(errorReply, { ...back, 4: name, 8: "s" }, createWriter().string(text).finish()),
        });
      } else if (type === methodReturn) waiting.get(Number(fields[5]))?.resolve();
      else if (type === errorReply) waiting.get(Number(fields[5]))?.reject(new Error(`${fields[4]}: ${readStrings(body, 1)[0]}`));
    }
  });
  const bus = { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };
  await call(bus, "Hello", "", Buffer.alloc(0));
  return {
    call,
    close: () =>
      new Promise((resolve) => {
        socket.once("close", () => resolve());
        socket.destroy();
      }),
  };
}

/** The kernel tells the bus who we are; the words only say that this is how. */
function authenticate(socket: Socket): Promise<void> {
  const uid = Buffer.from(String(process.getuid?.())).toString("hex");
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  return new Promise((resolve, reject) => {
    socket.once("data", (line: Buffer) => {
      if (!line.toString().startsWith("OK ")) return reject(new Error(`the system bus refuses: ${line}`));
      socket.write("BEGIN\r\n");
      resolve();
    });
  });
}

/** Writes values one after another, each at a multiple of its own size. */
export function createWriter() {
  let bytes: Buffer = Buffer.alloc(0);
  const add = (more: Buffer) => {
    bytes = Buffer.concat([bytes, more]);
    return writer;
  };
  const writer = {
    align: (size: number) => add(Buffer.alloc((size - (bytes.length % size)) % size)),
    byte: (value: number) => add(Buffer.of(value)),
    uint32(value: number) {
      const buffer = Buffer.alloc(4);
      buffer.writeUInt32LE(value);
      return writer.align(4) && add(buffer);
    },
    uint64(value: bigint) {
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64LE(value);
      return writer.align(8) && add(buffer);
    },
    string: (value: string) => writer.uint32(Buffer.byteLength(value)) && add(Buffer.from(`${value}\0`)),
    signature: (value: string) => writer.byte(value.length) && add(Buffer.from(`${value}\0`)),
    /** An array of what begins at a multiple of eight, which its length does not count. */
    array(write: () => void) {
      writer.uint32(0);
      const lengthAt = bytes.length - 4;
      writer.align(8);
      const start = bytes.length;
      write();
      bytes.writeUInt32LE(bytes.length - start, lengthAt);
      return writer;
    },
    finish: () => bytes,
  };
  return writer;
}

function encodeMessage(type: number, serial: number, fields: Fields, body: Buffer): Buffer {
  const header = createWriter().byte("l".charCodeAt(0)).byte(type).byte(0).byte(1).uint32(body.length).uint32(serial);
  header.array(() => {
    for (const [code, value] of Object.entries(fields)) {
      const fieldType = fieldTypes[Number(code)] ?? "";
      header.align(8).byte(Number(code)).signature(fieldType);
      if (fieldType === "u") header.uint32(Number(value));
      else if (fieldType === "g") header.signature(String(value));
      else header.string(String(value));
    }
  });
  return Buffer.concat([header.align(8).finish(), body]);
}

function decodeMessage(bytes: Buffer) {
  if (bytes.length < fixedHeaderBytes) return undefined;
  if (bytes[0] !== "l".charCodeAt(0)) throw new Error("a message in the other byte order");
  const bodyLength = bytes.readUInt32LE(4);
  const fieldsEnd = fixedHeaderBytes + bytes.readUInt32LE(12);
  const bodyStart = Math.ceil(fieldsEnd / 8) * 8;
  if (bytes.length < bodyStart + bodyLength) return undefined;
  const fields: Fields = {};
  for (let at = fixedHeaderBytes; at < fieldsEnd; ) {
    at = Math.ceil(at / 8) * 8;
    const code = bytes.readUInt8(at);
    // A variant's signature: its length, one type, a zero.
    at += 4;
    if (fieldTypes[code] === "g") {
      const length = bytes.readUInt8(at);
      fields[code] = bytes.toString("utf8", at + 1, at + 1 + length);
      at += length + 2;
    } else if (fieldTypes[code] === "u") {
      fields[code] = bytes.readUInt32LE(at);
      at += 4;
    } else {
      const length = bytes.readUInt32LE(at);
      fields[code] = bytes.toString("utf8", at + 4, at + 4 + length);
      at += length + 5;
    }
  }
  const body = bytes.subarray(bodyStart, bodyStart + bodyLength);
  return { type: bytes.readUInt8(1), serial: bytes.readUInt32LE(8), fields, body, bytes: bodyStart + bodyLength };
}

function readStrings(body: Buffer, count: number): string[] {
  const found: string[] = [];
  for (let at = 0; found.length < count; ) {
    at = Math.ceil(at / 4) * 4;
    const length = body.readUInt32LE(at);
    found.push(body.toString("utf8", at + 4, at + 4 + length));
    at += length + 5;
  }
  return found;
}
