# SPDX-License-Identifier: Apache-2.0
# What a Perl script uses of the interpreter and its modules.
use strict;
use warnings;
use Data::Dumper;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode decode);
use Fcntl qw(:flock SEEK_SET);
use File::Find;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use List::Util qw(sum shuffle first);
use POSIX qw(floor strftime);
use Storable qw(freeze thaw);
use Time::HiRes qw(sleep time);

$| = 1;
$Data::Dumper::Sortkeys = 1;
$Data::Dumper::Indent = 1;
my %words;
$words{$_}++ for map { lc } "The cat and the dog and THE bird" =~ /(\w+)/g;
print join(" ", map { "$_=$words{$_}" } sort keys %words), "\n";
print sha256_hex("mayfly"), " ", sum(1 .. 1000), "\n";
printf "%.4f %s %05d|%-5s|\n", atan2(1, 1) * 4, sprintf("%b", 10), 42, "ab";
print Dumper({ list => [ 1, 2, { a => undef } ] });
my $json = JSON::PP->new->canonical;
print $json->encode({ b => [ 1, "x\x{e4}" ], a => JSON::PP::true }), "\n";
print $json->decode('{"n": {"m": [1, 2, 3]}}')->{n}{m}[2], "\n";
print length(encode("UTF-8", "\x{20ac}")), " ", floor(-1.5), "\n";
print strftime("%Y-%m-%d", gmtime(86400)), "\n";
eval { die { code => 7 } };
print "died $@->{code}\n";
eval { my $x = 1 / (shift // 0) };
print "error: $@";
print join(",", @{ thaw(freeze([ 3, 2, 1 ])) }), "\n";

my $dir = tempdir(CLEANUP => 1);
open(my $f, "+>", "$dir/data") or die;
flock($f, LOCK_EX) or die;
print $f "line $_\n" for 1 .. 2000;
seek($f, 0, SEEK_SET);
my @lines = <$f>;
close($f);
print scalar(@lines), " ", -s "$dir/data", " ", $lines[-1];
mkdir("$dir/sub$_") for 1 .. 3;
my @found;
find(sub { push @found, $_ if -d && /sub/ }, $dir);
print join(" ", sort @found), "\n";
print "rename ", rename("$dir/data", "$dir/sub1/d") ? "ok" : $!, "\n";
print open(my $none, "<", "/none") ? "" : "$!", "\n";

local $SIG{ALRM} = sub { die "alarm\n" };
eval { alarm(1); sleep(5) while 1; };
print "caught $@";
local $SIG{USR1} = sub { print "signal $_[0]\n" };
kill(USR1 => $$);
pipe(my $r, my $w);
syswrite($w, "through a pipe");
sysread($r, my $text, 99);
print "$text\n";
my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1");
my $client = IO::Socket::INET->new(
	PeerAddr => "127.0.0.1", PeerPort => $server->sockport) or die "$!";
my $peer = $server->accept;
print $client "over a socket\n";
$client->flush;
print scalar(<$peer>);
my $fib;
$fib = sub { my $n = shift; $n < 2 ? $n : $fib->($n - 1) + $fib->($n - 2) };
print $fib->(21), "\n";
my $big = "x" x 10_000_000;
$big =~ s/x{1000}/y/g;
print length($big), " ", scalar(<STDIN>);
my $pid = fork();
if (!defined $pid) {
	print STDERR "fork: $!\n";
} elsif ($pid == 0) {
	POSIX::_exit(0);
} else {
	waitpid($pid, 0);
}
exit 3;
