# Cache::Memcached::Fast, text protocol. Called and answered as driver.py says.
use strict;
use warnings;
use Cache::Memcached::Fast;
use Time::HiRes qw(sleep time);

my $expire_limit_s = 8;
my @large_sizes = (1024 * 1024, 3 * 1024 * 1024 + 17);
@ARGV == 3 or die "usage: $0 HOST PORT PREFIX\n";
my ($host, $port, $prefix) = @ARGV;
$| = 1;

sub connect_with {
    return Cache::Memcached::Fast->new({
        servers => [{address => "$host:$port", noreply => 1}], namespace => $prefix, connect_timeout => 5,
        io_timeout => 10, max_size => 64 * 1024 * 1024, @_});
}
my $client = connect_with();

sub shown {
    my ($value) = @_;
    return 'undef' unless defined $value;
    return length $value <= 80 ? "'$value'" : sprintf("'%.60s'... (%d long)", $value, length $value);
}

# Byte for byte; both may be undef.
sub same {
    my ($got, $expected, $what) = @_;
    return if defined $got && defined $expected && $got eq $expected;
    return if !defined $got && !defined $expected;
    die "$what: got " . shown($got) . ', not ' . shown($expected) . "\n";
}

sub get_of { return scalar $client->get(@_) }    # in list context a miss is an empty list

sub check { my ($holds, $what) = @_; $holds or die "$what\n"; }

# Expiry is by a clock of seconds: asks until it holds, with a deadline.
sub until_true {
    my ($what, $condition) = @_;
    my $end = time + $expire_limit_s;
    until ($condition->()) {
        time < $end or die "waited $expire_limit_s s in vain: $what\n";
        sleep 0.1;
    }
}

sub large_value {
    my ($size) = @_;
    return substr join('', map { "$_\r\n\0\xff" } 0 .. $size / 5 + 1), 0, $size;
}

my @operations = (
    set => sub {
        for my $value ('value', '', join('', map { chr } 0 .. 255)) {
            check($client->set('set', $value), 'set');
            same(get_of('set'), $value, 'get after set');
        }
        my @stored = $client->set_multi(['set1', 'one'], ['set2', 'two', 100]);
        same("@stored", '1 1', 'set_multi');
        $client->set('set', 'unanswered');    # in void context: noreply
        same(get_of('set'), 'unanswered', 'get after set with noreply');
        check($client->set('set', {pickled => [1, 2]}), 'set of a reference');
        same($client->get('set')->{pickled}[1], 2, 'get of a reference');
    },
    get => sub {
        same(get_of('get'), undef, 'get of an absent key');
        check($client->set('get', 'x' x 250), 'set');
        same(get_of('get'), 'x' x 250, 'get');
    },
    'multi-get' => sub {
        my %values = map { ("multi$_" => "$_") } 1 .. 200;
        $client->set_multi(map { [$_, $values{$_}] } keys %values);
        my $got = $client->get_multi(keys %values, 'multi-absent');
        same(join(' ', sort keys %$got), join(' ', sort keys %values), 'keys of get_multi');
        same($got->{$_}, $values{$_}, "get_multi of $_") for keys %values;
    },
    cas => sub {
        check(!$client->cas('cas', 1, 'x'), 'cas of an absent key is done');
        $client->set('cas', 'first');
        my $found = $client->gets('cas');
        same($found->[1], 'first', 'gets');
        check($client->cas('cas', $found->[0], 'second'), 'cas');
        check(!$client->cas('cas', $found->[0], 'third'), 'cas with a stale unique is done');
        same(get_of('cas'), 'second', 'get after cas');
        same($client->gets_multi('cas')->{cas}[1], 'second', 'gets_multi');
    },
    incr => sub {
        check(!$client->incr('incr', 1), 'incr of an absent key is done');
        $client->set('incr', '10');
        same($client->incr('incr', 5), 15, 'incr');
        same($client->decr('incr', 6), 9, 'decr');
        same($client->decr('incr', 100), '0E0', 'decr below 0');    # the client's true zero
        same($client->incr_multi(['incr', 7])->{incr}, 7, 'incr_multi');
    },
    touch => sub {
        check(!$client->touch('touch', 100), 'touch of an absent key is done');
        $client->set('touch', 'touched', 100);
        check($client->touch('touch', 1), 'touch');
        until_true('the touched key expires', sub { !defined $client->get('touch') });
        $client->set('touch', 'again', 100);
        same($client->gat(100, 'touch'), 'again', 'gat');
        same($client->gats(100, 'touch')->[1], 'again', 'gats');
        same($client->gat_multi(1, 'touch', 'touch-absent')->{touch}, 'again', 'gat_multi');
        until_true('the key of gat expires', sub { !defined $client->get('touch') });
    },
    expire => sub {
        $client->set('expire-later', 'later', 100);
        $client->set('expire', 'soon', 1);
        until_true('the key expires', sub { !defined $client->get('expire') });
        same(get_of('expire-later'), 'later', 'get of a key that expires later');
        $client->set('expire-later', 'never', -1);
        same(get_of('expire-later'), undef, 'get of a key with a negative expiry');
    },
    delete => sub {
        $client->set('delete', 'x');
        check($client->delete('delete'), 'delete');
        same(get_of('delete'), undef, 'get after delete');
        check(!$client->delete('delete'), 'delete of an absent key is done');
        $client->set_multi(['delete1', 1], ['delete2', 2]);
        my @deleted = $client->delete_multi('delete1', 'delete2');
        same("@deleted", '1 1', 'delete_multi');
    },
    large => sub {
        for my $size (@large_sizes) {
            check($client->set('large', large_value($size)), "set of $size bytes");
            same(get_of('large'), large_value($size), "get of $size bytes");
        }
    },
    store => sub {
        check(!$client->replace('store', 'x'), 'replace of an absent key is done');
        check(!$client->append('store', 'x'), 'append to an absent key is done');
        check($client->add('store', 'b'), 'add');
        check(!$client->add('store', 'x'), 'add of a present key is done');
        check($client->append('store', 'c'), 'append');
        check($client->prepend('store', 'a'), 'prepend');
        same(get_of('store'), 'abc', 'get after append and prepend');
        check($client->replace('store', 'new'), 'replace');
    },
    unanswered => sub {
        my $other = connect_with(nowait => 1);
        $other->set("unanswered$_", $_) for 1 .. 300;
        $other->incr('unanswered300', 5);
        same($other->get('unanswered300'), 305, 'get after writes without waiting');
        my $got = $other->get_multi(map { "unanswered$_" } 1 .. 299);
        same($got->{"unanswered$_"}, $_, "get_multi of unanswered$_") for 1 .. 299;
    },
    stats => sub {
        my ($version) = values %{$client->server_versions};
        check($version =~ /^\d/, 'version ' . shown($version));
    },
);

print "client\tok\tCache::Memcached::Fast $Cache::Memcached::Fast::VERSION\n";
while (my ($name, $operation) = splice @operations, 0, 2) {
    my $done = eval { $operation->(); 1 };
    my $detail = $done ? '' : $@;
    $detail =~ s/\s+/ /g;
    print join("\t", $name, $done ? 'ok' : 'fail', $detail), "\n";
}
