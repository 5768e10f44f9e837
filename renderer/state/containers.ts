import { create } from "zustand";
import type { Container, ContainersChanged, ContainersSnapshot } from "../../privileged-helper/contract/model.ts";
import { type Problem, toProblem } from "../../privileged-helper/contract/problems.ts";
import type { Client } from "../backend/client.ts";
import { followRevisions } from "./revisions.ts";

type ContainersState = {
  /** By name; undefined until the first list has come. */
  containers?: ReadonlyMap<string, Container>;
  /** Why there is no list although there is a helper. */
  problem?: Problem;
  askAgain(): void;
};

export const useContainersStore = create<ContainersState>(() => ({ askAgain: () => {} }));

/** Follows all containers. @returns A function that ends it. */
export function startContainers(client: Client): () => void {
  const followed = followRevisions<ContainersSnapshot, ContainersChanged>({
    async ask() {
      try {
        return await client.call("containers.watch", {});
      } catch (error) {
        const problem = toProblem(error);
        if (problem.code !== "cancelled") useContainersStore.setState({ problem });
        throw error;
      }
    },
    replace: ({ containers }) =>
      useContainersStore.setState({ containers: new Map(containers.map((container) => [container.name, container])), problem: undefined }),
    apply({ changed, removed }) {
      const containers = new Map(useContainersStore.getState().containers);
      for (const container of changed) containers.set(container.name, container);
      for (const name of removed) containers.delete(name);
      useContainersStore.setState({ containers });
    },
  });
  const stopListening = client.on("containers.changed", followed.onChange);
  useContainersStore.setState({ askAgain: () => void followed.start() });
  void followed.start();
  return () => {
    stopListening();
    followed.stop();
  };
}

export function useContainer(name: string): Container | undefined {
  return useContainersStore(({ containers }) => containers?.get(name));
}

export function useContainers(): ReadonlyMap<string, Container> | undefined {
  return useContainersStore(({ containers }) => containers);
}
