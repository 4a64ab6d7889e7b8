#!/bin/sh
# The init script of the application: service.sh start|stop|restart|status
### BEGIN INIT INFO
# Provides: slipway-app
# Required-Start: $network
# Required-Stop: $network
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: Slipway application
### END INIT INFO
case "$0" in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(CDPATH= cd -- "$here" && pwd) || exit 1
python=$(cat "$here/python" 2>/dev/null)
: "${python:=python3}"
case "$1" in
  start|stop|status) exec "$python" "$here/keeper.py" "$1" ;;
  restart|reload) "$python" "$here/keeper.py" stop; exec "$python" "$here/keeper.py" start ;;
  *) echo "Usage: $0 start|stop|restart|status"; exit 2 ;;
esac
