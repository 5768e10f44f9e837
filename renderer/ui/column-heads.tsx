export type Column = { label: string; className: string };

/** The head of a table that is not sorted by its columns, with one more for actions at the end. */
export function ColumnHeads({ columns }: { columns: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {columns.map(({ label, className }) => (
          <th key={label} scope="col" className={className}>
            <span className="column-label">{label}</span>
          </th>
        ))}
        <th scope="col" className="column-actions">
          <span className="visually-hidden">Actions</span>
        </th>
      </tr>
    </thead>
  );
}
