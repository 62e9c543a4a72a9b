// What the page of a participant shows of a network that runs, and of one that is not well.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { chromium } from 'playwright-core';

const { program, charter, clerk, participants } = JSON.parse(process.argv[2]);
const names = Object.keys(participants);
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const patience = { timeout: 30_000 };
const pictures = process.env.TALLY_PICTURES; // A folder to put pictures of every state into, for people.

const profile = mkdtempSync(join(tmpdir(), 'tally-page-'));
const complaints = [];
const started = [];
let browser;

before(async () => {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', headless: true, args: flags, viewport: { width: 1280, height: 900 },
  });
});
after(async () => {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
  started.forEach((child) => child.kill('SIGTERM'));
});

/** The page of a participant; `alter` changes what its status says before the page gets it. */
async function open(name, alter) {
  const page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(`${name}: ${error}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION_REFUSED')) complaints.push(message.text());
  });
  if (alter) {
    await page.route('**/v1/status', async (route) => {
      const response = await route.fetch();
      const status = await response.json();
      alter(status);
      await route.fulfill({ response, json: status });
    });
  }
  await page.goto(participants[name].url);
  return page;
}

function submit(item, ledger = 'items') {
  execFileSync(program, ['tx', 'submit', JSON.stringify([{ _id: 'item$1', name: item }]), '--key', clerk, '--charter', charter,
    '--ledger', ledger, '--url', participants.bob.url, '--timeout', '30000']);
}

const stop = (name) => process.kill(participants[name].pid, 'SIGKILL');
function start(name) {
  const log = openSync(participants[name].log, 'a');
  const child = spawn(program, ['node', '--config', participants[name].config, '--with-parent', String(process.pid)],
    { stdio: ['ignore', log, log] });
  participants[name].pid = child.pid;
  started.push(child);
}

const isState = (page, state) => page.locator(`html[data-state=${state}]`).waitFor({ state: 'attached', ...patience });
const alarm = (page, text) => page.locator('#alarms li.bad', { hasText: text }).waitFor(patience);

/** Both themes and a narrow screen, if someone wants to look. */
async function picture(page, name) {
  if (!pictures) return;
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: join(pictures, `${name}-narrow.png`), fullPage: true });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Texts whose contrast with what is behind them is below that of WCAG 2.2, AA. */
function faintTexts(page) {
  return page.evaluate(() => {
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = colour.map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const [r, g, b, alpha = 1] = rgb(getComputedStyle(at).backgroundColor);
        if (alpha === 1) return [r, g, b];
      }
      return [255, 255, 255];
    };
    const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    return [...document.querySelectorAll('body *')].filter((element) => own(element) && element.offsetParent)
      .map((element) => {
        const [a, b] = [rgb(getComputedStyle(element).color).slice(0, 3), ground(element)].map(luminance);
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.trim()];
      })
      .filter(([contrast]) => contrast < 4.5).map(([contrast, text]) => `${contrast.toFixed(2)}: ${text}`);
  });
}

test('blocks arrive, and their signers are named', async () => {
  const page = await open('alice');
  await isState(page, 'good');
  for (let i = 0; i < 4; ++i) submit(`nail ${i}`);
  const row = page.locator('#blocks tr', { has: page.locator('td:first-child', { hasText: /^4$/ }) });
  await row.locator('.pill.good', { hasText: 'final' }).waitFor(patience);
  const signers = await row.locator('.signers .pill.info').allTextContents();
  assert.ok(signers.length >= 3, `more than half sign: ${signers}`);
  signers.forEach((name) => assert.ok(names.includes(name), name));
  const lanes = await page.locator('#participants tr', { hasText: 'bob' }).allTextContents();
  assert.equal(lanes.length, 1);
  assert.equal(await page.locator('#participants tr').count(), 4);
  assert.equal(await page.locator('#participants .pill', { hasText: 'connected' }).count(), 3);
  assert.equal(await page.locator('#network').textContent(), 'Test');

  submit('screw', 'trade/items');
  await page.selectOption('#ledger', 'trade/items');
  await page.locator('#blocks tr:first-child td:first-child', { hasText: /^1$/ }).waitFor(patience);
  assert.equal(await page.locator('#blocks tr').count(), 2);
  await page.selectOption('#ledger', 'items');
  await page.locator('#blocks tr:nth-child(5)').waitFor(patience);
  await picture(page, 'well');
  await page.close();
});

test('a participant that is killed is shown in red until it is back', async () => {
  const page = await open('alice');
  await isState(page, 'good');
  stop('dave');
  await alarm(page, 'dave is away');
  await isState(page, 'bad');
  const row = page.locator('#participants tr.bad', { hasText: 'dave' });
  await row.locator('.pill.bad', { hasText: 'AWAY' }).waitFor(patience);
  const [red, green, blue] = (await page.locator('#alarms li.bad').first()
    .evaluate((element) => getComputedStyle(element).backgroundColor)).match(/\d+/g).map(Number);
  assert.ok(red > 150 && green < 60 && blue < 60, `${red} ${green} ${blue} is no red`);
  assert.match(await page.title(), /^⚠ 1 alarm/);
  submit('bolt');
  await page.locator('#blocks .absent', { hasText: 'dave' }).first().waitFor(patience);
  await picture(page, 'one-away');
  start('dave');
  await isState(page, 'good');
  await page.close();
});

test('a participant that does not answer is shown as unreachable, and what it said last as over', async () => {
  const page = await open('carol');
  await isState(page, 'good');
  stop('carol');
  await alarm(page, 'carol is UNREACHABLE since');
  await page.locator('html.lost').waitFor({ state: 'attached', ...patience });
  assert.equal(await page.locator('#live').textContent(), 'UNREACHABLE');
  assert.equal(await page.locator('#blocks tr').first().isVisible(), true);
  await picture(page, 'unreachable');
  start('carol');
  await page.locator('html:not(.lost)').waitFor({ state: 'attached', ...patience });
  await isState(page, 'good');
  await page.close();
});

test('diverged, quarantined and paused ledgers, a halt and a silent peer are red', async () => {
  const page = await open('alice', (status) => {
    status.signing = false;
    status.note = 'the journal lost what it had promised';
    Object.assign(status.ledgers[0], { diverged: true });
    Object.assign(status.ledgers[1], { failure: 'the database is damaged: row 7' });
    status.ledgers.push({ ...status.ledgers[0], name: 'audit', diverged: false, paused: true, executed: 9, not_yet_signed_by: ['bob'] });
    status.ledgers.push({ ...status.ledgers[1], name: 'stock', failure: '', quarantined: true, altered: [
      { block: 7, subject: 'item 12', what: 'altered', healed: false },
      { block: 8, subject: 'item 13', what: 'missing', healed: true }] });
    Object.assign(status.peers[2], { silent_ms: 12_000 });
    Object.assign(status.peers[3], { connected: false, refusal: 'connection refused' });
  });
  for (const text of ['alice has STOPPED SIGNING: the journal lost what it had promised', 'items is DIVERGED here',
    'trade/items is QUARANTINED here and stands still: the database is damaged: row 7', 'audit is PAUSED',
    'stock is QUARANTINED here: it was altered on this participant\'s disk', 'Block 7: item 12 is altered.',
    'carol is connected and silent for over 10 s', 'dave is away: not connected (connection refused)',
    'Only 2 of 4 participants are here and 3 are needed']) await alarm(page, text);
  assert.deepEqual(await page.locator('#ledgers tr.bad .pill.bad').allTextContents(), ['DIVERGED', 'QUARANTINED', 'PAUSED', 'QUARANTINED']);
  assert.deepEqual(await page.locator('#participants tr.bad .pill.bad').allTextContents(), ['NOT SIGNING', 'SILENT', 'AWAY']);
  await alarm(page, 'audit: nothing was certified for over 10 s');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await faintTexts(page), [], colorScheme);
  }
  await picture(page, 'unwell');
  await page.close();
});

test('a participant that is in no certificate any more is pointed out', async () => {
  const page = await open('alice', (status) => {
    Object.assign(status.ledgers[0], { executed: 40, certified: 40, final: 40 });
  });
  await page.route('**/v1/ledgers/items/blocks?*', (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const [from, count] = [Number(asked.get('from')), Number(asked.get('count'))];
    assert.ok(count <= 30, 'no more is asked for than is shown');
    const blocks = Array.from({ length: count }, (_, i) => ({
      height: from + i, time_us: 1.7e15, transaction_count: 1, level: 'final', header: 'ab', slot: from + i,
      signed_by: ['alice', 'bob', 'dave'] }));
    return route.fulfill({ json: { ledger: 'items', blocks } });
  });
  await page.locator('#alarms li.warn', { hasText: 'carol is in none of the last 30 certificates' }).waitFor(patience);
  assert.deepEqual(await page.locator('#participants .pill.warn').allTextContents(), ['0 of last 30']);
  assert.equal(await page.locator('#blocks tr').count(), 30);
  await page.close();
});

test('what comes from the network is text, whatever it holds', async () => {
  const hostile = '<img src=x onerror="document.title=1"><b>bold</b>';
  const page = await open('alice', (status) => {
    status.network_name = status.note = hostile;
    status.participant = status.peers[0].name = status.lanes[0].participant = hostile;
    Object.assign(status.peers[1], { connected: false, refusal: hostile });
    status.ledgers[1].name = status.ledgers[1].failure = hostile;
    status.ledgers[0].not_yet_signed_by = [hostile];
  });
  await alarm(page, 'bob is away');
  await page.locator('#network', { hasText: hostile }).waitFor(patience);
  assert.equal(await page.locator('#ledgers th', { hasText: hostile }).count(), 1);
  assert.equal(await page.locator('img, body b').count(), 0);
  await page.close();
});

test('the browser complained about nothing, and nothing was asked of anyone else', async () => {
  const page = await open('bob');
  const asked = new Set();
  page.on('request', (request) => asked.add(new URL(request.url()).origin));
  await page.reload();
  await isState(page, 'good');
  assert.deepEqual([...asked].filter((origin) => origin !== 'null'), [participants.bob.url]);
  assert.deepEqual(complaints, []);
});
