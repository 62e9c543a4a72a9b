#!/usr/bin/env node
// Makes keys and signs Tally transactions with the npm package `jose`, which knows nothing of Tally: an envelope is a
// compact JWS (docs/protocol.md, section 9), so any JOSE library can make one.
import { createHash, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { base64url, CompactSign, exportJWK, generateKeyPair, importJWK } from 'jose';

const usage = `usage: node sign.mjs key FILE [--alg EdDSA|ES256K]     make a key, print its did:key
       node sign.mjs did FILE                          print the did:key of a key
       node sign.mjs sign FILE --network ID [options] TX
                                                       print the signed transaction, and its id on stderr
  TX is a JSON list of subject maps, or one of them, or @FILE that holds it
  --ledger NAME       default: packages
  --expire-in SECONDS default: 60; the network refuses what expires more than 10 minutes ahead
  --fuel N            default: 10000
  --nonce TEXT        default: a random one; at most 64 bytes`;

// Multicodec prefixes of public keys (W3C did:key), and how a key becomes its bytes.
const kinds = {
  EdDSA: { prefix: [0xed, 0x01], options: { crv: 'Ed25519' }, bytes: (jwk) => base64url.decode(jwk.x) },
  ES256K: {
    prefix: [0xe7, 0x01],
    options: {},
    // A point, compressed: y is even (2) or odd (3), then x.
    bytes: (jwk) => [2 + (base64url.decode(jwk.y).at(-1) & 1), ...base64url.decode(jwk.x)],
  },
};

function base58(bytes) {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = alphabet[Number(number % 58n)] + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros) + text;
}

export function didOf(jwk) {
  const kind = kinds[jwk.alg];
  return `did:key:z${base58([...kind.prefix, ...kind.bytes(jwk)])}`;
}

export async function makeKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { ...kinds[alg].options, extractable: true });
  return { ...(await exportJWK(privateKey)), alg };
}

/// `fields`: network, ledger, nonce, expire (milliseconds since 1970), fuel, tx.
export async function sign(jwk, fields) {
  const payload = new TextEncoder().encode(JSON.stringify(fields));
  return new CompactSign(payload)
    .setProtectedHeader({ alg: jwk.alg, kid: didOf(jwk) })
    .sign(await importJWK(jwk, jwk.alg));
}

/// SHA-256 of what was signed: a copy with another signature is the same transaction.
export function transactionId(jws) {
  return createHash('sha256').update(jws.slice(0, jws.lastIndexOf('.'))).digest('hex');
}

async function readTransaction(text) {
  const tx = JSON.parse(text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text);
  return Array.isArray(tx) ? tx : [tx];
}

function wholeNumber(name, text) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name}: '${text}' is no whole number`);
  return value;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      alg: { type: 'string', default: 'EdDSA' },
      network: { type: 'string' },
      ledger: { type: 'string', default: 'packages' },
      'expire-in': { type: 'string', default: '60' },
      fuel: { type: 'string', default: '10000' },
      nonce: { type: 'string' },
    },
  });
  const [command, file, text] = positionals;
  const wanted = { key: 2, did: 2, sign: 3 }[command];
  if (positionals.length !== wanted || !(values.alg in kinds)) {
    console.error(usage);
    return 2;
  }
  if (command === 'key') {
    const jwk = await makeKey(values.alg);
    await writeFile(file, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: 'wx' }); // Never over another key.
    console.log(didOf(jwk));
    return 0;
  }
  const jwk = JSON.parse(await readFile(file, 'utf8'));
  if (command === 'did') {
    console.log(didOf(jwk));
    return 0;
  }
  if (!/^[0-9a-f]{64}$/.test(values.network ?? '')) {
    throw new Error('--network takes the network id: 64 lower-case hexadecimal digits, as GET /v1/status shows it');
  }
  const jws = await sign(jwk, {
    network: values.network,
    ledger: values.ledger,
    nonce: values.nonce ?? randomUUID(),
    expire: Date.now() + 1000 * wholeNumber('expire-in', values['expire-in']),
    fuel: wholeNumber('fuel', values.fuel),
    tx: await readTransaction(text),
  });
  console.log(jws);
  console.error(`transaction ${transactionId(jws)}`);
  return 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().then(
    (code) => (process.exitCode = code),
    (error) => {
      console.error(`sign.mjs: ${error.message}`);
      process.exitCode = 2;
    },
  );
}
