<?php
// PHP memcached over libmemcached, text and binary protocol. Called and answered as driver.py says.
declare(strict_types=1);

const EXPIRE_LIMIT_S = 8;
const LARGE_SIZES = [1024 * 1024, 3 * 1024 * 1024 + 17];

if ($argc < 4 || $argc > 5 || ($argc === 5 && $argv[4] !== 'binary')) {
    fwrite(STDERR, "usage: {$argv[0]} HOST PORT PREFIX [binary]\n");
    exit(64);
}
[, $host, $port, $prefix] = $argv;

function connect_with(array $options): Memcached
{
    global $argc, $host, $port, $prefix;
    $client = new Memcached();
    $client->setOptions($options + [
        Memcached::OPT_BINARY_PROTOCOL => $argc === 5,
        Memcached::OPT_PREFIX_KEY => $prefix,
        Memcached::OPT_COMPRESSION => false,
        Memcached::OPT_TCP_NODELAY => true,
        Memcached::OPT_CONNECT_TIMEOUT => 5000,
        Memcached::OPT_RECV_TIMEOUT => 10_000_000,
        Memcached::OPT_POLL_TIMEOUT => 10_000,
    ]);
    $client->addServer($host, (int) $port);
    return $client;
}

function shown(mixed $value): string
{
    $text = var_export($value, true);
    return strlen($text) <= 80 ? $text : substr($text, 0, 60) . '... (' . strlen($text) . ' long)';
}

// Byte for byte, type for type.
function same(mixed $got, mixed $expected, string $what): void
{
    global $client;
    if ($got !== $expected) {
        $said = $client->getResultMessage();
        throw new Exception("$what: got " . shown($got) . ', not ' . shown($expected) . ": $said");
    }
}

// Expiry is by a clock of seconds: asks until it holds, with a deadline.
function until(string $what, callable $condition): void
{
    for ($end = microtime(true) + EXPIRE_LIMIT_S; !$condition(); usleep(100_000)) {
        if (microtime(true) > $end) {
            throw new Exception('waited ' . EXPIRE_LIMIT_S . " s in vain: $what");
        }
    }
}

function large_value(int $size): string
{
    for ($value = '', $number = 0; strlen($value) < $size; ++$number) {
        $value .= "$number\r\n\0\xff";
    }
    return substr($value, 0, $size);
}

function gone(string $key): bool
{
    global $client;
    return $client->get($key) === false && $client->getResultCode() === Memcached::RES_NOTFOUND;
}

$client = connect_with([]);

$operations = [
    'set' => function () use ($client): void {
        $allBytes = implode('', array_map('chr', range(0, 255)));
        foreach (['value', '', $allBytes, 12345, 1.5, true, ['a' => [1, 2]]] as $value) {
            same($client->set('set', $value), true, 'set');
            same($client->get('set'), $value, 'get after set');
        }
        same($client->setMulti(['set1' => 'one', 'set2' => 'two']), true, 'setMulti');
    },
    'get' => function () use ($client): void {
        same(gone('get'), true, 'get of an absent key');
        $client->set('get', str_repeat('x', 250));
        same($client->get('get'), str_repeat('x', 250), 'get');
    },
    'multi-get' => function () use ($client): void {
        $values = [];
        for ($number = 0; $number < 200; ++$number) {
            $values["multi$number"] = "$number";
        }
        same($client->setMulti($values), true, 'setMulti');
        $keys = [...array_keys($values), 'multi-absent'];
        same($client->getMulti($keys, Memcached::GET_PRESERVE_ORDER), $values + ['multi-absent' => null], 'getMulti');
        same($client->getDelayed(array_keys($values)), true, 'getDelayed');
        $fetched = array_column($client->fetchAll(), 'value', 'key');
        same(count($fetched), count($values), 'number of values of fetchAll');
        $extended = $client->getMultiByKey('one server', ['multi1', 'multi2'], Memcached::GET_EXTENDED);
        same($extended['multi2']['value'], '2', 'getMultiByKey');
    },
    'cas' => function () use ($client): void {
        same($client->cas(1.0, 'cas', 'x'), false, 'cas of an absent key');
        $client->set('cas', 'first');
        $found = $client->get('cas', null, Memcached::GET_EXTENDED);
        same($found['value'], 'first', 'get with cas');
        same($client->cas($found['cas'], 'cas', 'second'), true, 'cas');
        same($client->cas($found['cas'], 'cas', 'third'), false, 'cas with a stale unique');
        same($client->getResultCode(), Memcached::RES_DATA_EXISTS, 'result code of a stale cas');
        same($client->get('cas'), 'second', 'get after cas');
    },
    'incr' => function () use ($client, $argc): void {
        same($client->increment('incr', 1), false, 'increment of an absent key');
        $client->set('incr', '10');
        same($client->increment('incr', 5), 15, 'increment');
        same($client->decrement('incr', 6), 9, 'decrement');
        same($client->decrement('incr', 100), 0, 'decrement below 0');
        if ($argc === 5) {
            same($client->increment('incr-initial', 5, 41, 100), 41, 'increment with an initial value');
            same($client->increment('incr-initial', 5, 41, 100), 46, 'increment after an initial value');
        }
        $client->set('incr', 'text');
        same($client->increment('incr', 1), false, 'increment of a text');
        // libmemcached reconnects after that answer in binary, so a slave need not know this client's writes yet.
        until('the text is still there after a refused increment', fn () => $client->get('incr') === 'text');
    },
    'touch' => function () use ($client): void {
        same($client->touch('touch', 100), false, 'touch of an absent key');
        $client->set('touch', 'touched', 100);
        same($client->touch('touch', 1), true, 'touch');
        until('the touched key expires', fn () => gone('touch'));
    },
    'expire' => function () use ($client, $argc): void {
        $client->set('expire-later', 'later', 100);
        $client->set('expire', 'soon', 1);
        until('the key expires', fn () => gone('expire'));
        same($client->get('expire-later'), 'later', 'get of a key that expires later');
        if ($argc < 5) {    // binary: the number has no sign
            $client->set('expire-later', 'never', -1);
            same(gone('expire-later'), true, 'get of a key with a negative expiry');
        }
    },
    'delete' => function () use ($client): void {
        $client->set('delete', 'x');
        same($client->delete('delete'), true, 'delete');
        same(gone('delete'), true, 'get after delete');
        same($client->delete('delete'), false, 'delete of an absent key');
        $client->setMulti(['delete1' => 1, 'delete2' => 2]);
        same($client->deleteMulti(['delete1', 'delete2']), ['delete1' => true, 'delete2' => true], 'deleteMulti');
    },
    'large' => function () use ($client): void {
        foreach (LARGE_SIZES as $size) {
            same($client->set('large', large_value($size)), true, "set of $size bytes");
            same($client->get('large'), large_value($size), "get of $size bytes");
        }
        $other = connect_with([Memcached::OPT_COMPRESSION => true]);
        same($other->set('large', str_repeat('abc', 1_000_000)), true, 'set of a compressed value');
        same($other->get('large'), str_repeat('abc', 1_000_000), 'get of a compressed value');
    },
    'store' => function () use ($client): void {
        same($client->replace('store', 'x'), false, 'replace of an absent key');
        same($client->append('store', 'x'), false, 'append to an absent key');
        same($client->add('store', 'b'), true, 'add');
        same($client->add('store', 'x'), false, 'add of a present key');
        same($client->append('store', 'c'), true, 'append');
        same($client->prepend('store', 'a'), true, 'prepend');
        same($client->get('store'), 'abc', 'get after append and prepend');
        same($client->replace('store', 'new'), true, 'replace');
    },
    'unanswered' => function (): void {
        foreach ([Memcached::OPT_NOREPLY, Memcached::OPT_BUFFER_WRITES, Memcached::OPT_NO_BLOCK] as $option) {
            $other = connect_with([$option => true]);
            for ($number = 0; $number < 300; ++$number) {
                $other->set("unanswered$number", "$option-$number");
            }
            same($other->get('unanswered299'), "$option-299", "get after writes with option $option");
            $keys = array_map(fn ($number) => "unanswered$number", range(0, 299));
            same(array_values($other->getMulti($keys)), array_map(fn ($number) => "$option-$number", range(0, 299)),
                "getMulti with option $option");
        }
    },
    'stats' => function () use ($client): void {
        same(preg_match('/^\d+\.\d+\.\d+$/', implode(' ', $client->getVersion())), 1, 'form of the version');
        same(current($client->getStats())['curr_connections'] > 0, true, 'curr_connections in stats');
        same(is_array($client->getStats('settings')), true, 'stats settings');
    },
];

echo "client\tok\tPHP memcached ", phpversion('memcached'), "\n";
foreach ($operations as $name => $operation) {
    try {
        $operation();
        echo "$name\tok\t\n";
    } catch (Throwable $error) {
        echo "$name\tfail\t", substr(preg_replace('/\s+/', ' ', $error->getMessage()), 0, 400), "\n";
    }
}
