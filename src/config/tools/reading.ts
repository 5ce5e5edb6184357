/** How a file has to be read, where that is not how files of its kind are read without a word. */
export interface Reading {
  readonly encoding?: string;
  readonly delimiter?: string;
  /** Names for the columns of a file without a header line. */
  readonly fieldnames?: readonly string[];
  /** Where the records of a JSON document are, when they are not the document itself. */
  readonly jsonPath?: string;
}

/** As the keys of the file options. */
export function fileKeys({ encoding, delimiter, fieldnames, jsonPath }: Reading) {
  return {
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter }),
    ...(fieldnames !== undefined && { has_header: false, fieldnames }),
    ...(jsonPath !== undefined && { json_path: jsonPath }),
  };
}
