import { beforeAll } from 'bun:test';
import { azureTestStore, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { storageSuite } from '../testing/storage-suite.ts';

let s3: TestStore;
let azure: TestStore;
beforeAll(async () => {
  [s3, azure] = await Promise.all([s3TestStore(), azureTestStore()]);
});

storageSuite('S3', async () => s3.open(s3.place()));
storageSuite('Azure', async () => azure.open(azure.place()));
