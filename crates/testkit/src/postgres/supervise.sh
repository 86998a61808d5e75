# Runs one throwaway PostgreSQL server for as long as the test process holds the other end of stdin.
# However that process ends, the pipe closes, the server is stopped and its directory is removed, unless it is to be
# started there again: then the file `keep` says so.
# Arguments: directory with the binaries, working directory, port, whether a commit waits until it is written.
bin=$1 dir=$2 port=$3 durable=$4
exec 3<&0 </dev/null
trap '' HUP INT TERM

(
    [ -e "$dir/data/PG_VERSION" ] ||
        "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync &&
        exec "$bin/postgres" -D "$dir/data" \
            -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories="$dir" \
            -c max_connections=200 -c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0 \
            -c fsync=off -c full_page_writes=off -c synchronous_commit="$durable"
) >>"$dir/log" 2>&1 &
server=$!

# Repeated, because initdb's shell may ignore an interrupt that comes before the server itself runs.
(
    read -r _ <&3
    while kill -INT "$server" 2>/dev/null; do sleep 1; done
) &
watcher=$!

wait "$server"
: >"$dir/exited"
wait "$watcher"
cd /
[ -e "$dir/keep" ] || rm -rf "$dir"
