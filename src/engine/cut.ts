/** One row group of a staged file, in file order. */
export interface GroupSize {
  readonly rows: number;
  readonly compressedBytes: number;
}

export interface CutLimits {
  readonly maxRowsPerFile?: number;
  readonly maxFileSizeBytes?: number;
}

/** Rows `[from, to)` of the staged file. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Where a staged file is cut into parts: each holds `maxRowsPerFile` rows, or fewer where its bytes, taken
 * as spread evenly within each row group, would pass `maxFileSizeBytes`. At least one row goes into a part.
 */
export function cutRanges(groups: readonly GroupSize[], limits: CutLimits): RowRange[] {
  const maxRows = limits.maxRowsPerFile ?? Number.POSITIVE_INFINITY;
  const maxBytes = limits.maxFileSizeBytes ?? Number.POSITIVE_INFINITY;
  const ranges: RowRange[] = [];
  let from = 0;
  let row = 0;
  let bytes = 0;
  const close = (): void => {
    ranges.push({ from, to: row });
    from = row;
    bytes = 0;
  };
  for (const group of groups) {
    const bytesPerRow = group.rows === 0 ? 0 : group.compressedBytes / group.rows;
    let left = group.rows;
    while (left > 0) {
      const byBytes = bytesPerRow === 0 ? left : Math.floor((maxBytes - bytes) / bytesPerRow);
      const fitting = Math.min(left, maxRows - (row - from), Math.max(byBytes, row === from ? 1 : 0));
      row += fitting;
      left -= fitting;
      bytes += fitting * bytesPerRow;
      if (left > 0 || row - from >= maxRows) close();
    }
  }
  if (row > from) close();
  return ranges;
}
