import { SCHEMA_HEADER } from '../../config/tools/template.ts';

type Text = Promise<{ readonly default: string }>;

interface Embedded {
  readonly config: () => Text;
  /** Files that the config reads, by their path beside it. */
  readonly data: Readonly<Record<string, () => Text>>;
}

/** What a module is as text, which the compiler knows by its exports only. */
async function textOf(module: Promise<object>): Text {
  const embedded = await module;
  const text = 'default' in embedded ? embedded.default : undefined;
  if (typeof text !== 'string') throw new Error('a module of the examples is not embedded as text');
  return { default: text };
}

/** `fixtures/examples`, embedded when the program is compiled. */
const EXAMPLES = {
  owner_intent_template: {
    config: (): Text =>
      import('../../../fixtures/examples/owner_intent_template.yaml', { with: { type: 'text' } }),
    data: {
      'data/claim_header.csv': (): Text =>
        import('../../../fixtures/examples/data/claim_header.csv', { with: { type: 'text' } }),
      'data/claim_line.csv': (): Text =>
        import('../../../fixtures/examples/data/claim_line.csv', { with: { type: 'text' } }),
    },
  },
  file_example: {
    config: (): Text => import('../../../fixtures/examples/file_example.yaml', { with: { type: 'text' } }),
    data: {
      'data/orders.csv': (): Text =>
        import('../../../fixtures/examples/data/orders.csv', { with: { type: 'text' } }),
    },
  },
  file_cdc_example: {
    config: (): Text =>
      import('../../../fixtures/examples/file_cdc_example.yaml', { with: { type: 'text' } }),
    data: {
      'data/customer_changes.csv': (): Text =>
        import('../../../fixtures/examples/data/customer_changes.csv', { with: { type: 'text' } }),
    },
  },
  file_current_history_example: {
    config: (): Text =>
      import('../../../fixtures/examples/file_current_history_example.yaml', { with: { type: 'text' } }),
    data: {
      'data/employees.csv': (): Text =>
        import('../../../fixtures/examples/data/employees.csv', { with: { type: 'text' } }),
    },
  },
  enhanced_example: {
    config: (): Text =>
      import('../../../fixtures/examples/enhanced_example.yaml', { with: { type: 'text' } }),
    data: {
      'data/transactions.jsonl': (): Text =>
        import('../../../fixtures/examples/data/transactions.jsonl', { with: { type: 'text' } }),
    },
  },
  s3_example: {
    config: (): Text => import('../../../fixtures/examples/s3_example.yaml', { with: { type: 'text' } }),
    data: {
      'environments/dev.yaml': (): Text =>
        import('../../../fixtures/examples/environments/dev.yaml', { with: { type: 'text' } }),
    },
  },
  api_example: {
    config: (): Text => import('../../../fixtures/examples/api_example.yaml', { with: { type: 'text' } }),
    data: {},
  },
  db_example: {
    config: (): Text => import('../../../fixtures/examples/db_example.yaml', { with: { type: 'text' } }),
    data: {},
  },
  db_complex: {
    config: (): Text => import('../../../fixtures/examples/db_complex.yaml', { with: { type: 'text' } }),
    data: {},
  },
  custom_example: {
    config: (): Text => import('../../../fixtures/examples/custom_example.yaml', { with: { type: 'text' } }),
    data: {
      'extractors/accounts.ts': (): Text =>
        textOf(import('../../../fixtures/examples/extractors/accounts.ts', { with: { type: 'text' } })),
    },
  },
  silver_join_example: {
    config: (): Text =>
      import('../../../fixtures/examples/silver_join_example.yaml', { with: { type: 'text' } }),
    data: {
      'data/orders.csv': (): Text =>
        import('../../../fixtures/examples/data/orders.csv', { with: { type: 'text' } }),
      'data/customers.csv': (): Text =>
        import('../../../fixtures/examples/data/customers.csv', { with: { type: 'text' } }),
    },
  },
} as const satisfies Readonly<Record<string, Embedded>>;

export type ExampleName = keyof typeof EXAMPLES;
export const EXAMPLE_NAMES = Object.keys(EXAMPLES) as readonly ExampleName[];

export interface Example {
  readonly name: ExampleName;
  /** The comment that heads the config: what the example shows. */
  readonly description: string;
  readonly config: string;
  readonly data: readonly { readonly path: string; readonly text: string }[];
}

export async function readExample(name: ExampleName): Promise<Example> {
  const example: Embedded = EXAMPLES[name];
  const config = (await example.config()).default.replace(/^# yaml-language-server:.*$/m, SCHEMA_HEADER);
  const data = Object.entries(example.data).map(async ([path, load]) => ({
    path,
    text: (await load()).default,
  }));
  return { name, description: headOf(config), config, data: await Promise.all(data) };
}

/** The first line of the second comment line: `# A CSV file with …`. */
function headOf(config: string): string {
  return /^# (?!yaml-language-server)(.*)$/m.exec(config)?.[1] ?? '';
}
