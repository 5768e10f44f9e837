import { useEffect, useRef, useState } from "react";
import { create } from "zustand";
import type { Catalog, Download } from "../../privileged-helper/contract/model.ts";
import { type Problem, toProblem } from "../../privileged-helper/contract/problems.ts";
import type { Client } from "../backend/client.ts";
import { useClient } from "./connection.ts";
import { useSettings } from "./settings.ts";

type CatalogState = {
  /** What the servers offer, as it was last read. */
  catalog?: Catalog;
  everyArchitecture: boolean;
  isAsking: boolean;
  /** Why there is no answer at all; what is wrong with one server is said in the catalog. */
  problem?: Problem;
};

/** It stays from one visit of the page to the next. */
export const useCatalogStore = create<CatalogState>(() => ({ everyArchitecture: false, isAsking: false }));

let newestAsk = 0;

/** Asks the host, which asks servers only where it has to, or with `refresh` in any case. */
export async function loadCatalog(client: Client, { refresh = false } = {}): Promise<void> {
  const ask = ++newestAsk;
  const { everyArchitecture } = useCatalogStore.getState();
  useCatalogStore.setState({ isAsking: true });
  const answer = await client.call("catalog.list", { refresh, everyArchitecture }).then(
    (catalog) => ({ catalog, problem: undefined }),
    (error: unknown) => ({ problem: toProblem(error) }),
  );
  if (ask === newestAsk) useCatalogStore.setState({ ...answer, isAsking: false });
}

/** The catalog, and again when other servers are wanted. @param isWanted False while nobody looks at it: then no server is asked. */
export function useCatalog(isWanted = true): CatalogState {
  const client = useClient();
  const state = useCatalogStore();
  const { everyArchitecture } = state;
  const servers = useSettings(({ imageServers }) => imageServers);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with other servers or architectures the answer is another one
  useEffect(() => {
    if (isWanted) void loadCatalog(client);
  }, [client, servers, everyArchitecture, isWanted]);
  return state;
}

/** What was downloaded, is being downloaded, or was begun. Undefined until it is known. */
export function useDownloads(): readonly Download[] | undefined {
  const client = useClient();
  const [downloads, setDownloads] = useState<readonly Download[]>();
  useEffect(() => {
    let newest = 0;
    const ask = () => {
      const mine = ++newest;
      // Without an answer the connection is gone, which is shown elsewhere.
      client.call("downloads.list", {}).then(
        (answer) => mine === newest && setDownloads(answer),
        () => {},
      );
    };
    const stopListening = client.on("downloads.changed", ask);
    ask();
    return () => {
      newest = -1;
      stopListening();
    };
  }, [client]);
  return downloads;
}

/** So many are measured by one request, so that the first sizes are there soon. */
const measuredTogether = 20;

/** Asks how big these images are, those of which that is not known, and each once. */
export function useSizes(ids: readonly string[]): void {
  const client = useClient();
  const asked = useRef(new Set<string>());
  useEffect(() => {
    const unknown = ids.filter((id) => !asked.current.has(id));
    if (unknown.length === 0) return;
    const controller = new AbortController();
    const measure = async () => {
      for (let at = 0; at < unknown.length && !controller.signal.aborted; at += measuredTogether) {
        const images = unknown.slice(at, at + measuredTogether);
        const { bytes } = await client.call("catalog.measure", { images }, { signal: controller.signal });
        for (const id of images) if (!controller.signal.aborted) asked.current.add(id);
        noteSizes(bytes);
      }
    };
    // A size that does not come is shown as unknown.
    measure().catch(() => {});
    return () => controller.abort();
  }, [client, ids]);
}

function noteSizes(bytes: Record<string, number>) {
  useCatalogStore.setState(({ catalog }) => ({
    catalog: catalog && { ...catalog, images: catalog.images.map((image) => ({ ...image, bytes: bytes[image.id] ?? image.bytes })) },
  }));
}
