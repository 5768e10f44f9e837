/** Numbers the channels of one connection, so that a terminal and an upload never have the same. 0 is that of the messages. */
export type NextChannel = () => number;

export function createChannels(first = 1): NextChannel {
  let next = first;
  return () => next++;
}
