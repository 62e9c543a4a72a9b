// What a JOSE library that knows nothing of Tally signs is accepted, with the meaning it was given; altered, it is not.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { didOf, makeKey, sign, transactionId } from '../../examples/sign-and-submit/sign.mjs';

const judgeProgram = process.argv[2];
const network = 'ab'.repeat(32);
// Half of the order of secp256k1's group: a signature's s above it is high.
const highS = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

function judge(envelopes, { of = network, ledger = 'packages' } = {}) {
  const output = execFileSync(judgeProgram, [of, ledger], { input: envelopes.map((jws) => `${jws}\n`).join('') });
  return output.toString().trimEnd().split('\n').map((line) => JSON.parse(line));
}

const fieldsOf = (nonce) => ({
  network,
  ledger: 'packages',
  nonce,
  expire: 1_800_000_000_123,
  fuel: 10_000,
  tx: [{ _id: 'package$1', name: `hello ${nonce} – "ü"`, size: 4_096, tags: ['a', 'b'], essential: true }],
});

async function signed(jwk, count) {
  const envelopes = [];
  for (let i = 0; i < count; ++i) envelopes.push(await sign(jwk, fieldsOf(`nonce ${i}`)));
  return envelopes;
}

function sOf(jws) {
  const signature = Buffer.from(jws.slice(jws.lastIndexOf('.') + 1), 'base64url');
  return BigInt(`0x${signature.subarray(32).toString('hex')}`);
}

async function checkAccepted(jwk, envelopes) {
  judge(envelopes).forEach((answer, i) => {
    const { nonce, expire, fuel, tx } = fieldsOf(`nonce ${i}`);
    assert.equal(answer.error, undefined);
    assert.equal(answer.id, transactionId(envelopes[i]));
    assert.equal(answer.signer, didOf(jwk));
    assert.deepEqual({ ...answer, id: 0, signer: 0, signature: 0 }, { id: 0, signer: 0, signature: 0, nonce, expire, fuel, tx });
  });
}

test('EdDSA', async () => {
  for (let keys = 0; keys < 4; ++keys) {
    const jwk = await makeKey('EdDSA');
    await checkAccepted(jwk, await signed(jwk, 2));
  }
});

test('ES256K, with even and odd points, low and high s', async () => {
  const seen = new Set();
  for (let keys = 0; keys < 64 && seen.size < 4; ++keys) {
    const jwk = await makeKey('ES256K');
    const envelopes = await signed(jwk, 4);
    await checkAccepted(jwk, envelopes);
    seen.add(didOf(jwk) && (Buffer.from(jwk.y, 'base64url').at(-1) & 1 ? 'odd' : 'even'));
    envelopes.forEach((jws) => seen.add(sOf(jws) > highS ? 'high' : 'low'));
    for (const { signature } of judge(envelopes)) assert.ok(BigInt(`0x${signature.slice(64)}`) <= highS);
  }
  assert.deepEqual([...seen].sort(), ['even', 'high', 'low', 'odd']);
});

test('one altered character anywhere is refused', async () => {
  for (const alg of ['EdDSA', 'ES256K']) {
    const jwk = await makeKey(alg);
    const [jws] = await signed(jwk, 1);
    const altered = [];
    for (let at = 0; at < jws.length; at += 7) {
      const other = jws[at] === 'A' ? 'B' : 'A';
      altered.push(jws.slice(0, at) + other + jws.slice(at + 1));
    }
    judge(altered).forEach((answer, i) => assert.ok(answer.error, altered[i]));
  }
});

test('another network, another ledger, and a stranger’s signature are refused', async () => {
  const [mine, other] = [await makeKey('EdDSA'), await makeKey('EdDSA')];
  const [[jws], [foreign]] = [await signed(mine, 1), await signed(other, 1)];
  assert.ok(judge([jws], { of: 'cd'.repeat(32) })[0].error);
  assert.ok(judge([jws], { ledger: 'audit' })[0].error);
  const swapped = jws.slice(0, jws.lastIndexOf('.')) + foreign.slice(foreign.lastIndexOf('.'));
  assert.ok(judge([swapped])[0].error);
});
