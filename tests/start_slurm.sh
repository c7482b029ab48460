#!/usr/bin/env bash
# A Slurm of one node on this machine, as root and without systemd: `start_slurm.sh DIR` starts it, and
# `start_slurm.sh DIR stop` ends it. All that it writes is in DIR; its programs need SLURM_CONF=DIR/slurm.conf.
# Debian's packages slurm-wlm and munge have what it needs.
set -euo pipefail
directory=$(realpath -m "$1")

if [ "${2:-start}" = stop ]; then
    for file in "$directory"/{slurmctld,slurmd,munged}.pid; do
        [ -f "$file" ] || continue
        process=$(cat "$file")
        kill "$process" 2>/dev/null || continue
        while kill -0 "$process" 2>/dev/null; do sleep 0.1; done
    done
    exit
fi

node=$(hostname -s)
free='import socket; a, b = socket.create_server(("", 0)), socket.create_server(("", 0))
print(a.getsockname()[1], b.getsockname()[1])'
read -r controller daemon < <(python3 -c "$free")
mkdir -p "$directory"/{state,spool}
chmod 755 "$directory"
[ -f "$directory/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$directory/munge.key")
# A job of the partition urgent takes the node from jobs of main, which have half a minute to end.
# More processors than there are, so that workers run side by side. A job that is queued again starts after cred_expire.
cat >"$directory/slurm.conf" <<CONF
ClusterName=genctl
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$directory/munge.socket,cred_expire=5
SlurmctldPort=$controller
SlurmdPort=$daemon
SlurmctldPidFile=$directory/slurmctld.pid
SlurmdPidFile=$directory/slurmd.pid
SlurmctldLogFile=$directory/slurmctld.log
SlurmdLogFile=$directory/slurmd.log
StateSaveLocation=$directory/state
SlurmdSpoolDir=$directory/spool
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
JobRequeue=1
ReturnToService=2
KillWait=20
InactiveLimit=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=30
PartitionName=urgent Nodes=$node MaxTime=INFINITE State=UP PriorityTier=2
CONF
export SLURM_CONF=$directory/slurm.conf
munged --force --socket="$directory/munge.socket" --key-file="$directory/munge.key" \
    --pid-file="$directory/munged.pid" --log-file="$directory/munged.log" --seed-file="$directory/munged.seed"
slurmctld
slurmd
for _ in $(seq 60); do
    sinfo -h -p main -o %t 2>/dev/null | grep -qx idle && exit
    sleep 0.5
done
echo "Slurm did not start:" >&2
tail -n 20 "$directory"/*.log >&2
exit 1
