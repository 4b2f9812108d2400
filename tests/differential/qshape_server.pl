#!/usr/bin/perl -w
#
# NAME
#     qshape_server.pl - run the real qshape many times, cheaply, at a pinned clock
#
# SYNOPSIS
#     perl qshape_server.pl [PROGRAM]        (PROGRAM defaults to /usr/sbin/qshape)
#
# DESCRIPTION
#     Most of the 50 ms that a run of qshape takes is Perl starting, loading
#     modules and compiling. This server pays for that once. It lets perl compile
#     the unmodified PROGRAM as its main program, stops in an INIT block (which
#     perl runs after it has compiled the main program and before it runs it),
#     and forks there once for each job. A child that leaves the INIT block runs
#     the program exactly as perl would have: same $0, same line numbers in
#     warnings, same `die`, same exit status, same errno to begin with.
#
#     One thing is replaced: `time`, before the program is compiled, by a
#     function that returns the clock of the job. Times that stat() reports are
#     not touched.
#
# JOB PROTOCOL
#     A job is one line on stdin, its answer one line on stdout, in order. Fields
#     are separated by one TAB, and may be empty. Inside a field the bytes '%', TAB,
#     CR and LF, and any other byte that the writer likes, are written as '%' and
#     two hexadecimal digits, so that a field can hold any bytes.
#
#     job:     ID  NOW  TIMEOUT  CWD  STDOUT  STDERR  [ARGUMENT ...]
#         ID       any text; comes back in the answer
#         NOW      the program's clock: whole seconds since 1970
#         TIMEOUT  whole seconds of real time, at least 1; a run that takes longer
#                  is killed
#         CWD      the working directory; empty: the server's own
#         STDOUT   file to create or truncate for the program's standard output
#         STDERR   the same for standard error
#         ARGUMENT the program's arguments; an empty field is an empty argument
#
#     answer:  ID  KIND  NUMBER
#         exit N      the program ended with status N
#         timeout S   it was killed after S seconds
#         signal N    it was ended by signal N
#         error N     it was not started; N is errno of what failed (fork, the
#                     files, CWD)
#
#     Standard input of the program is /dev/null. End of file on the server's
#     stdin ends the server with status 0; a malformed line ends it with status 2.
#     Another scanner can be put behind the same protocol.
#
# SEE ALSO
#     oracle.py, the client; test_oracle.py, which compares this server with plain
#     runs of the program.

package QshapeServer;

use strict;
use Errno;
use POSIX ();

our $pinned_time;    # a package variable: perl would inline a lexical as a constant
our $is_child = 0;
our $is_loaded;      # set when this file was loaded before PROGRAM, see the end

BEGIN {
    no warnings "once";
    *CORE::GLOBAL::time = sub () { $QshapeServer::pinned_time };
}

my $input = "";      # bytes read, not yet a whole line

# The next line without its end, or undef at the end of input. It reads with
# sysread: readline would make perl add "<STDIN> line N" to the program's warnings.
sub next_line {
    for (;;) {
	return $1 if ($input =~ s/\A([^\n]*)\n//);
	my $got = sysread(STDIN, $input, 65536, length($input));
	next if (!defined($got) && $! == Errno::EINTR());
	return unless ($got);
    }
}

sub answer {
    my $line = join("\t", @_) . "\n";
    while (length($line)) {
	my $put = syswrite(STDOUT, $line);
	exit(1) unless (defined($put));
	substr($line, 0, $put, "");
    }
}

# In the child: make the process look as the program expects it.
# Never returns when that fails. Reports why through the pipe $report.
sub prepare {
    my ($report, $timeout, $cwd, $out, $err, @arguments) = @_;
    my $ok = open(STDIN, "<", "/dev/null")
	&& ($cwd eq "" || chdir($cwd))
	&& open(STDOUT, ">", $out)
	&& open(STDERR, ">", $err);
    unless ($ok) {
	syswrite($report, $! + 0);
	POSIX::_exit(1);
    }
    close($report);
    @ARGV = @arguments;
    # SIGALRM is not caught, so it ends the process, wherever it is.
    alarm($timeout);
}

sub serve {
    my ($errno) = @_;
    while (defined(my $line = next_line())) {
	my ($id, $now, $timeout, @rest) = split(/\t/, $line, -1);
	s/%([0-9A-Fa-f]{2})/chr(hex($1))/ge foreach (@rest);
	unless (@rest >= 3 && $now =~ /\A-?\d+\z/ && $timeout =~ /\A[1-9]\d*\z/) {
	    print STDERR "qshape_server.pl: malformed job: $line\n";
	    exit(2);
	}
	my ($report_in, $report_out);
	my $pid = pipe($report_in, $report_out) ? fork() : undef;
	unless (defined($pid)) {
	    answer($id, "error", $! + 0);
	    next;
	}
	if ($pid == 0) {
	    close($report_in);
	    $is_child = 1;
	    $pinned_time = $now + 0;
	    prepare($report_out, $timeout, @rest);
	    undef($input);
	    # `die` turns errno into the exit status, so begin with the same errno.
	    $! = $errno;
	    $? = 0;
	    return;
	}
	close($report_out);
	my $failure = "";
	sysread($report_in, $failure, 16);
	close($report_in);
	waitpid($pid, 0);
	my $signal = $? & 127;
	if ($failure ne "") { answer($id, "error", $failure); }
	elsif ($signal == 14) { answer($id, "timeout", $timeout); }
	elsif ($signal) { answer($id, "signal", $signal); }
	else { answer($id, "exit", $? >> 8); }
    }
    exit(0);
}

# Perl's own clearing up touches every object, and so copies half of the parent's
# memory, just before it is thrown away. END blocks run last to first, so this one
# comes after all of the program's; $? is the exit status, also after `die`.
END {
    if ($is_child) {
	STDOUT->flush();
	POSIX::_exit($?);
    }
}

# Run as a program: start perl again, with PROGRAM as its main program and this
# file loaded before that. The path is passed in hexadecimal, so that no character
# in it can end the -M text.
sub start {
    my $program = @ARGV ? shift(@ARGV) : "/usr/sbin/qshape";
    require Cwd;
    my $path = unpack("H*", Cwd::abs_path(__FILE__));
    exec($^X, "-w", "-M5.006;BEGIN{require(pack(q{H*},q{$path}))}", $program)
	or die "$0: exec $^X: $!\n";
}

# When perl runs this file as its main program, INIT comes before the last lines;
# when the file is loaded by `require`, the last lines come first.
INIT {
    my $errno = $! + 0;
    start() unless ($is_loaded);
    serve($errno);
}

$is_loaded = 1;
1;
