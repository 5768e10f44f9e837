import {
  IconAlertTriangle,
  IconCheck,
  IconCloud,
  IconCopyPlus,
  IconDownload,
  IconPlayerPause,
  IconTrash,
  IconX,
} from "@tabler/icons-react";
import { memo } from "react";
import { useShallow } from "zustand/react/shallow";
import { distributionTitle } from "../../../privileged-helper/contract/image-servers.ts";
import type { Download, ImageSignature } from "../../../privileged-helper/contract/model.ts";
import { useClient } from "../../state/connection.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { useTasksStore } from "../../state/tasks.ts";
import { type Column, ColumnHeads } from "../../ui/column-heads.tsx";
import { formatBytes, unknownFigure } from "../../ui/format.ts";
import { HintArea } from "../../ui/hints.tsx";
import { colourOf, type ImageRow, initials, serverName } from "../../ui/image-rows.ts";
import { explainProblem } from "../../ui/problem.ts";
import { ProgressBar } from "../../ui/progress-bar.tsx";
import { showProblem } from "../../ui/toasts.tsx";
import { startDownload } from "./download.ts";

const columns: Column[] = [
  { label: "Distribution", className: "column-distribution" },
  { label: "Release", className: "column-release" },
  { label: "Architecture", className: "column-architecture" },
  { label: "Variant", className: "column-variant" },
  { label: "Size", className: "column-size" },
  { label: "Date", className: "column-date" },
  { label: "Server", className: "column-server" },
  { label: "State", className: "column-state" },
];

/** Made of plain elements, like the other long tables. */
export function ImagesTable({ rows }: { rows: readonly ImageRow[] }) {
  return (
    <HintArea>
      <div className="table-frame">
        <table aria-label="Images" className="data-table images-table">
          <ColumnHeads columns={columns} />
          <tbody>
            {rows.map(({ image, name, download }) => (
              <Row key={image.id} image={image} name={name} download={download} />
            ))}
          </tbody>
        </table>
      </div>
    </HintArea>
  );
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

const Row = memo(function Row({ image, name, download }: ImageRow) {
  const { distribution, release, architecture, variant, build, builtAt, bytes, server } = image;
  return (
    <tr>
      <th scope="row" className="column-distribution">
        <span className="distribution">
          <span className="initials" style={{ background: colourOf(distribution) }} aria-hidden>
            {initials(distribution)}
          </span>
          <span className="distribution-title">{distributionTitle(distribution)}</span>
        </span>
      </th>
      <td className="column-release">
        <div className="release">{release}</div>
        {variant !== "default" && <div className="second-line variant-below">{variant}</div>}
      </td>
      <td className="column-architecture">{architecture}</td>
      <td className="column-variant">{variant}</td>
      <td className="column-size figure">{bytes === undefined ? unknownFigure : formatBytes(bytes)}</td>
      <td className="column-date figure" title={build}>
        {builtAt === undefined ? build : day.format(builtAt)}
      </td>
      <td className="column-server" title={server}>
        <div className="server-name">{serverName(server)}</div>
      </td>
      <td className="column-state">
        <State name={name} download={download} />
      </td>
      <td className="column-actions">
        <Actions id={image.id} name={name} download={download} />
      </td>
    </tr>
  );
});

function State({ name, download }: { name: string; download?: Download }) {
  if (download === undefined) {
    return (
      <span className="with-icon muted">
        <IconCloud size={14} aria-hidden />
        Available
      </span>
    );
  }
  const { state, bytes, signature, problem } = download;
  if (state === "downloading") return <DownloadProgress name={name} task={download.task} />;
  if (state === "downloaded") {
    return (
      <>
        <span className="with-icon safe">
          <IconCheck size={14} aria-hidden />
          Downloaded
        </span>
        <div className="second-line">{formatBytes(bytes)} on disk</div>
        {signature && (
          <div className="second-line" data-hint={signatureHint(signature)}>
            {signatureText(signature)}
          </div>
        )}
      </>
    );
  }
  return (
    <>
      <span className={`with-icon ${problem ? "dangerous" : "warning"}`}>
        {problem ? <IconAlertTriangle size={14} aria-hidden /> : <IconPlayerPause size={14} aria-hidden />}
        {problem ? "Failed" : "Interrupted"}
      </span>
      {problem && <div className="second-line reason">{explainProblem(problem).title}</div>}
      {bytes > 0 && <div className="second-line">{formatBytes(bytes)} on disk</div>}
    </>
  );
}

/** How far it is, which only this cell has to follow. */
function DownloadProgress({ name, task }: { name: string; task?: string }) {
  const { fraction, step } = useTasksStore(
    useShallow(({ tasks }) => {
      const found = tasks.find(({ id }) => id === task);
      return { fraction: found?.fraction, step: found?.step };
    }),
  );
  return (
    <div className="download-progress">
      <ProgressBar size="sm" fraction={fraction} transitionDuration={200} label={`Progress of Download ${name}`} />
      <div className="second-line figure">{step ?? (task === undefined ? "In another window" : "Downloading")}</div>
    </div>
  );
}

function signatureText(signature: ImageSignature): string {
  if (signature.state === "good") return "Signed";
  return signature.state === "none" ? "Not signed" : "Signature not checked";
}

function signatureHint(signature: ImageSignature): string {
  if (signature.state === "good") return `Signed by ${signature.signer}, whose key is in your keyring.`;
  if (signature.state === "none") return "Its server signs nothing. The checksums were right.";
  return {
    "no-keyring": "Choose a keyring in Settings to have signatures checked. The checksums were right.",
    "unknown-key": "It is signed with a key that is not in your keyring. The checksums were right.",
    "no-gpg": "To check signatures, gpg has to be installed. The checksums were right.",
  }[signature.reason];
}

function Actions({ id, name, download }: { id: string; name: string; download?: Download }) {
  const client = useClient();
  const isLive = useIsLive();
  const state = download?.state;
  const task = download?.task;
  return (
    <div className="row-actions">
      {state === "downloading" && task !== undefined && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Cancel Download ${name}`}
          data-hint="Cancel"
          onClick={() => void client.call("tasks.cancel", { task }).catch(showProblem)}
        >
          <IconX size={16} aria-hidden />
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={`Create container from ${name}`}
        data-hint="Create a container"
        disabled={!isLive}
        onClick={() => openDialog({ type: "create", image: `server:${id}` })}
      >
        <IconCopyPlus size={16} aria-hidden />
      </button>
      {(state === undefined || state === "interrupted") && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Download ${name}`}
          data-hint={state === "interrupted" ? "Go on downloading" : "Download"}
          onClick={() => void startDownload(client, id, name)}
        >
          <IconDownload size={16} aria-hidden />
        </button>
      )}
      {(state === "downloaded" || state === "interrupted") && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Delete ${name}`}
          data-hint="Delete"
          onClick={() => openDialog({ type: "delete-image", image: id, name, bytes: download?.bytes ?? 0 })}
        >
          <IconTrash size={16} aria-hidden />
        </button>
      )}
    </div>
  );
}
