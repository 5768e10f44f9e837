import { Area, AreaChart, ResponsiveContainer, YAxis } from "recharts";

export { sparklinePicture } from "../../../renderer/ui/sparkline.tsx";

const zero = "0".charCodeAt(0);

/** What stands in the place of the app's own sparkline where the bench builds the page with plain recharts. */
export function Sparkline({ picture }: { picture: string; capacity: number }) {
  const data = [...picture].map((character, index) => ({ index, value: character === "-" ? undefined : character.charCodeAt(0) - zero }));
  return (
    <span style={{ display: "inline-block", width: 52, height: 20 }} aria-hidden>
      <ResponsiveContainer width={52} height={20}>
        <AreaChart data={data}>
          <YAxis hide domain={[0, 36]} />
          <Area dataKey="value" stroke="var(--chart-1)" fill="var(--chart-1)" />
        </AreaChart>
      </ResponsiveContainer>
    </span>
  );
}
