/** A time without a zone, taken as local in one: what its instant is in UTC. NULL, or the time itself, where it is none. */
export function inUtc(column: string, zone: string): string {
  const offset = offsetMinutes(zone);
  return offset === undefined
    ? // The session has made sure that the server knows the zone: else this were NULL.
      `CONVERT_TZ(${column}, ${hexText(zone)}, '+00:00')`
    : `(${column} - INTERVAL ${offset} MINUTE)`;
}

/**
 * The same as text. What the server does not convert, zero dates and all that is beyond its TIMESTAMP (before 1970, and
 * from 2038 or later on, by its version), becomes a text that is no instant, and so is refused with its row.
 */
export function instantText(column: string, zone: string): string {
  const instant = inUtc(column, zone);
  const known =
    offsetMinutes(zone) === undefined
      ? // CONVERT_TZ gives back as it is what it cannot convert, and rightly so what has no distance to UTC.
        `IF(${instant} <> ${column} OR (${isConverted(`${column} - INTERVAL 1 DAY`)} AND ${isConverted(`${column} + INTERVAL 1 DAY`)}), ${instant}, NULL)`
      : instant;
  return `COALESCE(CONCAT(${known}, 'Z'), CONCAT(${column}, ' in ', ${hexText(zone)}))`;
}

function isConverted(time: string): string {
  return `CONVERT_TZ(${time}, '+00:00', '+01:00') <> ${time}`;
}

/** East of UTC; undefined for a zone that has a name. */
function offsetMinutes(zone: string): number | undefined {
  if (/^(?:Etc\/)?(?:UTC|GMT)$/i.test(zone)) return 0;
  const [, sign, hours, minutes] = /^([+-])(\d\d?):(\d\d)$/.exec(zone) ?? [];
  if (sign === undefined) return undefined;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** A text that cannot end its own quotes. */
function hexText(value: string): string {
  return `_utf8mb4 X'${Buffer.from(value, 'utf8').toString('hex')}'`;
}
