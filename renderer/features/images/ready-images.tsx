import { Text, Title } from "@mantine/core";
import { IconCopyPlus, IconFlask, IconTrash } from "@tabler/icons-react";
import type { ReadyImage } from "../../../privileged-helper/contract/model.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { useContainersOfImage, useReadyImages } from "../../state/ready-images.ts";
import { type Column, ColumnHeads } from "../../ui/column-heads.tsx";
import { filterWords } from "../../ui/filter-words.ts";
import { formatBytes, formatList } from "../../ui/format.ts";
import { HintArea } from "../../ui/hints.tsx";
import { readyLabel } from "../../ui/image-choices.ts";

const origins: Record<ReadyImage["origin"], string> = {
  server: "An image server",
  archive: "An archive",
  oci: "An OCI image",
  container: "A container",
};
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

const columns: Column[] = [
  { label: "Title", className: "column-title" },
  { label: "Made from", className: "column-made-from" },
  { label: "Isolation", className: "column-isolation" },
  { label: "Size", className: "column-size" },
  { label: "Date", className: "column-date" },
  { label: "Containers", className: "column-containers" },
];

/** Images whose files are unpacked here: a container of one is there at once. Nothing where there is none. */
export function ReadyImages({ filter }: { filter: string }) {
  const images = useReadyImages();
  if (!images || images.length === 0) return null;
  const words = filterWords(filter);
  const rows = images
    .map((image) => ({ image, name: readyLabel(image, images) }))
    .filter(({ image, name }) => words.every((word) => `${name} ${origins[image.origin]}`.toLowerCase().includes(word)));
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="ready-heading" className="ready-images">
      <Title order={2} size="h4" id="ready-heading" mb={4}>
        Ready on this computer
      </Title>
      <Text size="sm" mb="sm" maw={720}>
        Their files are unpacked. A container of one is there at once, shares them, and stores only what it changes.
      </Text>
      <HintArea>
        <div className="table-frame">
          <table aria-label="Ready images" className="data-table ready-images-table">
            <ColumnHeads columns={columns} />
            <tbody>
              {rows.map(({ image, name }) => (
                <Row key={image.id} image={image} name={name} />
              ))}
            </tbody>
          </table>
        </div>
      </HintArea>
    </section>
  );
}

function Row({ image, name }: { image: ReadyImage; name: string }) {
  const isLive = useIsLive();
  const containers = useContainersOfImage(image.id);
  return (
    <tr>
      <th scope="row" className="column-title" title={name}>
        <span className="ready-title">{name}</span>
      </th>
      <td className="column-made-from">{origins[image.origin]}</td>
      <td className={`column-isolation ${image.unprivileged ? "safe" : "dangerous"}`}>
        {image.unprivileged ? "Unprivileged" : "Privileged"}
      </td>
      <td className="column-size figure">{formatBytes(image.bytes)}</td>
      <td className="column-date figure">{day.format(image.createdAt)}</td>
      <td className="column-containers" title={containers.length > 0 ? formatList([...containers]) : undefined}>
        {containers.length === 0 ? "None" : containers.length === 1 ? containers[0] : `${containers.length} containers`}
      </td>
      <td className="column-actions">
        <div className="row-actions">
          <button
            type="button"
            className="icon-button"
            aria-label={`Try ${name}`}
            data-hint="Try it in a throw-away container"
            disabled={!isLive}
            onClick={() => openDialog({ type: "try", source: { type: "image", image: image.id }, title: name })}
          >
            <IconFlask size={16} aria-hidden />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={`Create container from ${name}`}
            data-hint="Create a container"
            disabled={!isLive}
            onClick={() => openDialog({ type: "create", image: `ready:${image.id}` })}
          >
            <IconCopyPlus size={16} aria-hidden />
          </button>
          <button
            type="button"
            className="icon-button dangerous"
            aria-label={`Delete image ${name}`}
            data-hint="Delete"
            disabled={!isLive}
            onClick={() => openDialog({ type: "delete-ready-image", image, name })}
          >
            <IconTrash size={16} aria-hidden />
          </button>
        </div>
      </td>
    </tr>
  );
}
