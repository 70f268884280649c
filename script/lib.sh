# Helpers of script/test and script/demo; to be sourced by bash.
#
# What they promise: the machine is left as it was found.  Packages that are
# missing are installed, but no service is started or stopped, no database
# cluster is created or touched, and nothing is written into the server's own
# directories.  The work happens in one temporary directory, on copies of this
# tree and of the PostgreSQL installation: a server finds its files relative
# to its own program, so a copy of the same shape is a whole private server.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
EXTENSION=ruvector_delta
KEEP=no
WORK=

# Nothing of the caller's own PostgreSQL or language settings counts here.
for variable in ${!PG@}; do
	[ "$variable" = PG_CONFIG ] || unset "$variable"
done
unset MAKEFLAGS MAKELEVEL LANGUAGE
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# ---------------------------------------------------------------- accounts

# The server refuses to run as root, so root works through an account that
# has no rights.  No account is created.
choose_account() {
	ACCOUNT=
	[ "$(id -u)" -eq 0 ] || return 0
	for ACCOUNT in postgres nobody; do
		id -u "$ACCOUNT" >/dev/null 2>&1 && return 0
	done
	die "neither the account postgres nor nobody exists"
}

# Run a command without rights, in the work directory's own environment.
plain() {
	if [ -n "$ACCOUNT" ]; then
		runuser -u "$ACCOUNT" -- env HOME="$WORK" TMPDIR="$WORK/tmp" "$@"
	else
		env TMPDIR="$WORK/tmp" "$@"
	fi
}

# ---------------------------------------------------------------- packages

POLICY=/usr/sbin/policy-rc.d
CLUSTER_CONF=/etc/postgresql-common/createcluster.d/$EXTENSION.conf
GUARDED=no
MADE_CONF_DIRS=()

# While packages are unpacked: no service starts (policy-rc.d says so to every
# package), and a new server package makes no cluster (postgresql-common).
guard_services() {
	# a run that was killed may have left its guards
	if grep -qs "^# temporary: $EXTENSION" "$POLICY"; then
		GUARDED=yes
		unguard_services
	fi
	GUARDED=yes
	if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then
		mv "$POLICY" "$POLICY.before-$EXTENSION"
	fi
	printf '#!/bin/sh\n# temporary: %s installs packages and starts nothing\nexit 101\n' \
		"$EXTENSION" >"$POLICY"
	chmod 755 "$POLICY"
	local dir=${CLUSTER_CONF%/*}
	for d in "${dir%/*}" "$dir"; do
		[ -d "$d" ] || { mkdir "$d" && MADE_CONF_DIRS=("$d" "${MADE_CONF_DIRS[@]}"); }
	done
	echo 'create_main_cluster = false' >"$CLUSTER_CONF"
}

unguard_services() {
	[ "$GUARDED" = yes ] || return 0
	GUARDED=no
	rm -f "$POLICY" "$CLUSTER_CONF"
	if [ -e "$POLICY.before-$EXTENSION" ] || [ -L "$POLICY.before-$EXTENSION" ]; then
		mv "$POLICY.before-$EXTENSION" "$POLICY"
	fi
	# directories that a package has adopted in the meantime stay
	for d in "${MADE_CONF_DIRS[@]}"; do
		dpkg-query -S "$d" >/dev/null 2>&1 || rmdir "$d" 2>/dev/null || true
	done
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@"
}

# Install those of the named packages that are missing; NAME? is wanted only
# where the distribution has it.
need_packages() {
	local missing=() optional=() p log
	command -v dpkg-query >/dev/null || return 0 # not Debian: tools are looked for later
	for p in "$@"; do
		if installed "${p%\?}"; then
			continue
		elif [ "${p%\?}" = "$p" ]; then
			missing+=("$p")
		else
			optional+=("${p%\?}")
		fi
	done
	[ ${#missing[@]} -gt 0 ] || [ ${#optional[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		[ ${#missing[@]} -eq 0 ] || die "run as root once, or install: ${missing[*]}"
		return 0
	fi
	exec 9</var/lib/dpkg && flock 9 # one run at a time
	log=$(mktemp)
	apt update >"$log" 2>&1 </dev/null || say "package lists could not be refreshed"
	for p in "${optional[@]}"; do
		[ -z "$(apt-cache search --names-only "^$p\$")" ] || missing+=("$p")
	done
	if [ ${#missing[@]} -gt 0 ]; then
		say "installing packages: ${missing[*]}"
		guard_services
		apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null || {
			tail -n 30 "$log" >&2
			rm -f "$log"
			die "packages could not be installed"
		}
		unguard_services
	fi
	rm -f "$log"
	exec 9<&-
}

# Which server?  PG_CONFIG says; else the newest one installed; else the one
# that the distribution calls "postgresql".  Prints the packages it needs.
server_packages() {
	local major
	[ -z "${PG_CONFIG:-}" ] || return 0
	major=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null |
		cut -d/ -f5 | sort -n | tail -n 1)
	if [ -z "$major" ] && command -v apt-cache >/dev/null; then
		[ -n "$(apt-cache search --names-only '^postgresql$')" ] || apt update >/dev/null
		major=$(apt-cache depends postgresql |
			sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
	fi
	[ -n "$major" ] && say "postgresql-$major postgresql-server-dev-$major"
}

find_server() {
	local candidate
	if [ -z "${PG_CONFIG:-}" ]; then
		# the newest server that has its development files
		candidate=$(find /usr/lib/postgresql -path '*/bin/pg_config' 2>/dev/null |
			sort -t/ -k5n | while read -r c; do [ ! -x "${c%/*}/postgres" ] || echo "$c"; done |
			tail -n 1)
		PG_CONFIG=${candidate:-$(command -v pg_config || true)}
	fi
	[ -x "${PG_CONFIG:-}" ] || die "no pg_config found; set PG_CONFIG"
	[ -x "$("$PG_CONFIG" --bindir)/postgres" ] || die "$PG_CONFIG: no server in $("$PG_CONFIG" --bindir)"
	[ -f "$("$PG_CONFIG" --pgxs)" ] || die "$PG_CONFIG: the server's development files are missing"
}

# -------------------------------------------------------- the work directory

make_work() {
	umask 022
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/$EXTENSION.XXXXXX")
	chmod 755 "$WORK"
	[ ${#WORK} -le 80 ] || die "TMPDIR is too long a path for a socket: $WORK"
	mkdir "$WORK/logs" "$WORK/socket" "$WORK/tmp"
	# the tree without its history and whatever a build left in it
	mkdir "$WORK/src"
	(cd "$ROOT" && tar -cf - --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.so' \
		--exclude='*.bc' --exclude=./results --exclude=./tmp_check --exclude=./output_iso .) |
		tar -xf - -C "$WORK/src" --no-same-owner
	rm -f "$WORK/src/sql/$EXTENSION"--?.?.?.sql
	[ -z "$ACCOUNT" ] || chown -R "$ACCOUNT" "$WORK"
	plain test -w "$WORK/src/Makefile" || die "$ACCOUNT cannot reach $WORK; set TMPDIR"
}

# A copy of the installation at the same relative places.
copy_server() {
	local what dir to
	for what in bindir pkglibdir sharedir; do
		dir=$("$PG_CONFIG" --$what)
		to=$WORK/pg$dir
		mkdir -p "${to%/*}"
		[ -d "$to" ] || cp -a "$dir" "$to"
	done
	# What is only read while building is linked; inside a copied directory
	# (servers that keep everything in one prefix) it is copied.
	for what in libdir includedir pkgincludedir includedir-server; do
		dir=$("$PG_CONFIG" --$what)
		dir=${dir%/}
		to=$WORK/pg$dir
		if [ -d "$to" ] && [ ! -L "$to" ]; then
			cp -an "$dir/." "$to/" || true
		elif [ ! -e "$to" ]; then
			mkdir -p "${to%/*}"
			ln -s "$dir" "$to"
		fi
	done
	PGC=$WORK/pg$("$PG_CONFIG" --bindir)/pg_config
	[ -z "$ACCOUNT" ] || chown -R -h "$ACCOUNT" "$WORK/pg"
	PGBIN=$(plain "$PGC" --bindir)
	case $(plain "$PGC" --sharedir):$(plain "$PGC" --pkglibdir) in
	"$WORK"/*:"$WORK"/*) ;;
	*) die "this PostgreSQL does not run from a copy ($("$PGC" --sharedir))" ;;
	esac
	say "server: $(plain "$PGC" --version), a copy in $WORK/pg"
}

make_in_copy() { # ARGS...: make, in the copy of the tree, against the copied server
	plain make -C "$WORK/src" --no-print-directory PG_CONFIG="$PGC" "$@"
}

# -------------------------------------------------------------- the cluster

# start_cluster [SETTING...]: a cluster of its own behind a socket of its own
start_cluster() {
	plain "$PGBIN/initdb" -D "$WORK/data" -U postgres -A trust -E UTF8 --locale=C --no-sync \
		>"$WORK/logs/initdb.log" 2>&1 || {
		cat "$WORK/logs/initdb.log" >&2
		die "initdb failed"
	}
	# small containers have little POSIX shared memory
	local shm
	shm=$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 {print $4}')
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$WORK/socket'"
		echo "fsync = off"
		echo "jit = off"
		[ "${shm:-0}" -ge 1024 ] || echo "dynamic_shared_memory_type = mmap"
		printf '%s\n' "$@"
	} | plain tee -a "$WORK/data/postgresql.conf" >/dev/null
	export PGHOST=$WORK/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	plain "$PGBIN/pg_ctl" -D "$WORK/data" -l "$WORK/logs/server.log" -w -t 60 start \
		>"$WORK/logs/pg_ctl.log" 2>&1 || {
		tail -n 30 "$WORK/logs/pg_ctl.log" "$WORK/logs/server.log" >&2
		die "the server did not start"
	}
}

sql() { plain "$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

# ---------------------------------------------------------------- the end

# Children first (most lead a process group), then every server that still
# runs on a data directory below ours.
clean_up() {
	local status=$? pidfile pid
	trap - EXIT INT TERM HUP
	for pid in $(jobs -rp); do
		kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
	done
	unguard_services
	if [ -n "$WORK" ] && [ -d "$WORK" ]; then
		if [ "$KEEP" = yes ]; then
			say ""
			say "kept: $WORK"
			if [ -f "$WORK/data/postmaster.pid" ]; then
				say "psql:  $PGBIN/psql -h $WORK/socket -U postgres ${PGDATABASE:-postgres}"
				say "stop:  ${ACCOUNT:+runuser -u $ACCOUNT -- }$PGBIN/pg_ctl -D $WORK/data stop -m fast && rm -rf $WORK"
			else
				say "remove: rm -rf $WORK"
			fi
		else
			[ ! -f "$WORK/data/postmaster.pid" ] ||
				plain "$PGBIN/pg_ctl" -D "$WORK/data" -m immediate stop >/dev/null 2>&1
			# and those that tests started
			while read -r pidfile; do
				pid=$(head -n 1 "$pidfile" 2>/dev/null)
				# a stale file may name a number that is somebody else's by now
				[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "${pidfile%/*}" ] &&
					kill -QUIT "$pid" 2>/dev/null
			done < <(find "$WORK" -name postmaster.pid 2>/dev/null)
			for _ in 1 2 3 4 5 6 7 8 9 10; do
				[ -n "$(find "$WORK" -name postmaster.pid 2>/dev/null)" ] || break
				sleep 0.2
			done
			rm -rf "$WORK" 2>/dev/null || { sleep 1; rm -rf "$WORK"; }
		fi
	fi
	exit "$status"
}

trap_exits() {
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}
