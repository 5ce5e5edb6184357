import { mysqlLab } from '../../src/testing/mysql-kit.ts';
import { mariadb } from '../services/mariadb.ts';
import { startServices } from '../services/start.ts';
import { raceDatabase, shellCommand } from './database-race.ts';

const FILL = {
  narrow: [
    'CREATE TABLE narrow (id bigint PRIMARY KEY, a int, b int, c double, d decimal(12,2), e varchar(20), f varchar(12), g datetime(6), h date, i bigint unsigned)',
    "INSERT INTO narrow SELECT seq, seq % 1000, seq * 7 % 100003, seq / 7.0, seq % 100000 / 100, concat('name ', seq), if(seq % 10 = 0, NULL, concat('x', seq % 50)), timestampadd(microsecond, seq * 1000003, '2020-01-01'), date_add('2020-01-01', INTERVAL seq % 1000 DAY), seq * 1000000007 FROM seq_1_to_1000000",
  ],
  wide: [
    `CREATE TABLE wide (id int PRIMARY KEY, ${Array.from({ length: 19 }, (_, i) => `t${i} varchar(100)`).join(', ')})`,
    `INSERT INTO wide SELECT seq, ${Array.from({ length: 19 }, (_, i) => `concat(md5(seq * ${i + 1}), ' ', md5(seq + ${i}))`).join(', ')} FROM seq_1_to_200000`,
  ],
} as const;

const services = await startServices([mariadb]);
Object.assign(process.env, services.env);
const lab = await mysqlLab();
const { hostname, port, username, password, pathname } = new URL(lab.url);
const place = ['--no-defaults', `-h${hostname}`, `-P${port}`];
const user = [`-u${username}`, `-p${decodeURIComponent(password)}`];
try {
  await raceDatabase(
    {
      name: 'MariaDB',
      url: lab.url,
      fill: (table) => lab.run(...FILL[table]),
      clientName: 'mariadb > /dev/null',
      clientCommand: (table) =>
        `${shellCommand(['mariadb', ...place, ...user, pathname.slice(1), '--quick', '-e', `SELECT * FROM ${table}`])} > /dev/null`,
      parallelKeys: ['partition_on: id', 'consistency: chunk'],
    },
    3,
  );
} finally {
  await lab.drop();
  await services.stop();
}
