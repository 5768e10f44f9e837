import type { EndedAtOnce, Task } from "../contract/model.ts";
import type { Journal } from "../journal.ts";
import type { ImageStore } from "./image-store.ts";
import type { ContainerReader } from "./list.ts";

/** What a piece of work gets from the task that it runs in: ways to tell what it does, and to be stopped. */
export type TaskContext = {
  /**
   * Aborts when the task is cancelled; never within `critical`. While the task undoes its work this is another signal,
   * one that does not abort, so that undoing may call the same functions.
   */
  readonly signal: AbortSignal;
  /** Variables that mark every process of this work, so that they are found again if the helper is killed. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Says in a few words what is being done now. @param fraction How far the task is, 0 to 1, where that is known. */
  step(text: string, fraction?: number): void;
  /** Adds to the task's log. */
  output(text: string): void;
  /** Tells what a person should know although the task goes on: one sentence. It is in the log as well. */
  notice(sentence: string): void;
  /** Records a command that was run, as people could type it. */
  command(argv: readonly string[]): void;
  /** Takes back what was just done; these run in reverse order when the task fails or is cancelled. */
  onUndo(undo: () => void | Promise<void>): void;
  /** Work that is not interrupted once begun; the helper does not end before it has. */
  critical<T>(work: () => Promise<T>): Promise<T>;
};

/** A task that works on a container. */
export type ContainerTaskContext = TaskContext & {
  /** What is left to be asked for from now on, where the task does not get to its end; it is kept at once, for the case that the helper is killed. */
  retryWith(request: Task["request"]): void;
  /** Tells how a container that was started ended within a moment. The task may have ended; lost where the container has a newer one. */
  endedAtOnce(how: EndedAtOnce): void;
};

/** What every operation on a container works with. */
export type OperationContext = {
  lxcPath: string;
  reader: ContainerReader;
  journal: Journal;
  images: ImageStore;
  task: ContainerTaskContext;
};
