import { useEffect, useState } from "react";
import type { ReadyImage } from "../../privileged-helper/contract/model.ts";
import { useClient } from "./connection.ts";
import { useContainers } from "./containers.ts";
import { useIsLive } from "./live.ts";

/** Images that containers are made of at once. Undefined until they are known. */
export function useReadyImages(): readonly ReadyImage[] | undefined {
  const client = useClient();
  const isLive = useIsLive();
  const [images, setImages] = useState<readonly ReadyImage[]>();
  useEffect(() => {
    if (!isLive) return;
    let newest = 0;
    const ask = () => {
      const mine = ++newest;
      // Without an answer the connection is gone, which is shown elsewhere.
      client.call("images.list", {}).then(
        (answer) => mine === newest && setImages(answer),
        () => {},
      );
    };
    const stopListening = client.on("images.changed", ask);
    ask();
    return () => {
      newest = -1;
      stopListening();
    };
  }, [client, isLive]);
  return images;
}

/** The containers that lie on an image, as the list of containers shows them now. */
export function useContainersOfImage(id: string): readonly string[] {
  const containers = useContainers();
  return [...(containers?.values() ?? [])].flatMap(({ name, image }) => (image?.id === id ? [name] : []));
}
