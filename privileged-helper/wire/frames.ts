/**
 * Bytes to messages and back. A message is a channel number (4 bytes, big endian) and a payload: channel 0 carries
 * JSON-RPC, every other channel raw bytes of one terminal. On a byte stream the message's length (4 bytes, big endian)
 * goes before it; a MessagePort or a WebSocket keeps messages apart by itself.
 */
export type Message = { channel: number; payload: Uint8Array };

const lengthBytes = 4;
const channelBytes = 4;
/** The longest message, channel number included, that goes up from the helper: a list of thousands of containers. */
export const maxMessageBytes = 8 * 1024 * 1024;
/** The longest that goes down to it: requests are small, and terminal input is cut into pieces. */
export const maxRequestBytes = 256 * 1024;

export class FrameError extends Error {}

/** Channel number and payload in one piece, as a MessagePort or WebSocket carries them. */
export function encodeMessage(channel: number, payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(channelBytes + payload.byteLength);
  new DataView(message.buffer).setUint32(0, channel);
  message.set(payload, channelBytes);
  return message;
}

/**
 * @throws FrameError when the message is too short to have a channel, or longer than the cap.
 */
export function decodeMessage(message: Uint8Array, maxBytes = maxMessageBytes): Message {
  if (message.byteLength < channelBytes) throw new FrameError("message without a channel number");
  if (message.byteLength > maxBytes) throw new FrameError(`message of ${message.byteLength} bytes`);
  const channel = new DataView(message.buffer, message.byteOffset, channelBytes).getUint32(0);
  return { channel, payload: message.subarray(channelBytes) };
}

/** A message with its length before it, for a byte stream. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  if (message.byteLength > maxMessageBytes) throw new FrameError(`message of ${message.byteLength} bytes`);
  const frame = new Uint8Array(lengthBytes + message.byteLength);
  new DataView(frame.buffer).setUint32(0, message.byteLength);
  frame.set(message, lengthBytes);
  return frame;
}

/**
 * Takes a byte stream in pieces of any size and gives whole messages, each a copy of its own.
 * @param maxBytes The longest message that is accepted.
 * @returns A function that takes the next piece; it throws FrameError at a length that cannot be, after which the stream
 * is not to be trusted any more. Never holds more than one message's cap.
 */
export function createFrameReader(onMessage: (message: Uint8Array) => void, maxBytes = maxMessageBytes): (chunk: Uint8Array) => void {
  const header = new Uint8Array(lengthBytes);
  let headerFilled = 0;
  let body: Uint8Array | undefined;
  let bodyFilled = 0;
  let broken = false;

  return (chunk) => {
    if (broken) throw new FrameError("stream already broken");
    let at = 0;
    while (at < chunk.byteLength) {
      if (!body) {
        const take = Math.min(lengthBytes - headerFilled, chunk.byteLength - at);
        header.set(chunk.subarray(at, at + take), headerFilled);
        headerFilled += take;
        at += take;
        if (headerFilled < lengthBytes) return;
        const length = new DataView(header.buffer).getUint32(0);
        if (length < channelBytes || length > maxBytes) {
          broken = true;
          throw new FrameError(`frame of ${length} bytes`);
        }
        body = new Uint8Array(length);
        bodyFilled = 0;
        headerFilled = 0;
      }
      const take = Math.min(body.byteLength - bodyFilled, chunk.byteLength - at);
      body.set(chunk.subarray(at, at + take), bodyFilled);
      bodyFilled += take;
      at += take;
      if (bodyFilled === body.byteLength) {
        const message = body;
        body = undefined;
        onMessage(message);
      }
    }
  };
}
