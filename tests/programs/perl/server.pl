# SPDX-License-Identifier: Apache-2.0
# HTTP::Daemon answers one connection after the other.
use strict;
use warnings;
use HTTP::Daemon;
use HTTP::Status;

my $d = HTTP::Daemon->new(LocalAddr => "0.0.0.0", LocalPort => shift,
	ReuseAddr => 1, Listen => 64) or die "HTTP::Daemon: $!";
while (my $c = $d->accept) {
	while (my $r = $c->get_request) {
		if ($r->method eq "POST") {
			$c->send_response(HTTP::Response->new(200, "OK",
				[ "Content-Type" => "text/plain" ],
				scalar reverse $r->content));
		} elsif ($r->uri->path eq "/") {
			$c->send_response(HTTP::Response->new(200, "OK",
				[ "Content-Type" => "text/plain" ],
				"Hello from Perl\n"));
		} elsif ($r->uri->path eq "/file") {
			$c->send_file_response($0);
		} else {
			$c->send_error(RC_NOT_FOUND);
		}
	}
	$c->close;
}
