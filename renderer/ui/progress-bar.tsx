import { Progress, type ProgressRootProps } from "@mantine/core";

type Props = Pick<ProgressRootProps, "size" | "mt" | "transitionDuration"> & {
  label: string;
  /** 0 to 1; undefined where nobody knows how far it is. */
  fraction: number | undefined;
};

/** A bar that is full and moves where it is not known how far it is; to those who cannot see it, it then has no value (WAI-ARIA 1.2, progressbar). */
export function ProgressBar({ label, fraction, ...others }: Props) {
  return (
    <Progress.Root {...others}>
      {fraction === undefined ? (
        <Progress.Section value={100} animated withAria={false} role="progressbar" aria-label={label} />
      ) : (
        <Progress.Section value={fraction * 100} aria-label={label} aria-valuetext={`${Math.round(fraction * 100)}%`} />
      )}
    </Progress.Root>
  );
}
