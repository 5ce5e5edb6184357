import type * as v from 'valibot';
import { incrementalOptions } from '../incremental.ts';
import * as kit from '../yaml/schema-kit.ts';

/** `incremental` of sources that are told a cursor and leave the rest to foundry. */
export const rowIncremental = kit.optional(
  'Land only what is new by a cursor column.',
  kit.section({
    ...incrementalOptions,
    cursor_column: kit.optional('The column whose values grow; required where `enabled`.', kit.text),
  }),
  { fallback: 'everything is landed each time' },
);

/** `source.custom_extractor` and `bronze.options.custom_extractor`. */
export const customSchema = kit.section({
  module: kit.optional(
    'The module: a .ts or .js file, from the folder of the config, then from the working directory. Required for type `custom`.',
    kit.text,
  ),
  class_name: kit.optional('The exported class or function.', kit.text, {
    fallback: 'the default export, or the only one',
  }),
  params: kit.optional('What the extractor is given as `context.params`.', kit.anyMapping),
  config: kit.optional('Older name of `params`.', kit.anyMapping),
  types: kit.optional('Types of columns, as of files.', kit.textMap, { fallback: 'what the values need' }),
  columns: kit.optional('The columns to land, in this order.', kit.textList, { fallback: 'all' }),
  incremental: rowIncremental,
});

export type CustomOptions = v.InferOutput<typeof customSchema>;
