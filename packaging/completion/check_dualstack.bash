# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the check_dualstack authors
#
# bash completion for check_dualstack(1). It needs nothing but bash 4.

# Offers those of the words that begin with what is there.
_check_dualstack_words() {
    local current=$1
    shift
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$current")
}

_check_dualstack_paths() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# The file of --extra-opts=SECTION@FILE. The shell splits in front of "@" and behind it, but replaces it with the name.
_check_dualstack_at_paths() {
    local path
    while read -r path; do
        if [ -d "$path" ]; then
            path+=/
            compopt -o nospace
        fi
        COMPREPLY+=("@$path")
    done < <(compgen -f -- "$1")
}

# The names that "ip netns" lists, or a path.
_check_dualstack_namespaces() {
    local folder path names=all
    if [[ $1 == */* ]]; then
        _check_dualstack_paths -f "$1"
        return
    fi
    for folder in /run/netns /var/run/netns; do
        for path in "$folder"/*; do
            [[ ! -e $path || " $names " == *" ${path##*/} "* ]] || names+=" ${path##*/}"
        done
    done
    _check_dualstack_words "$1" "$names"
}

# What may stand at the end of a rule that is being written between quotes. Its last word is completed, and the whole
# rule offered, since for the shell it is one word. Where one word alone fits, a second is offered that goes on after
# it: the shell would close the quotes.
_check_dualstack_rule() {
    local rule=$1 last before words fitting
    last=${rule##*[[:blank:]]}
    before=${rule%"$last"}
    # shellcheck disable=SC2086 # its words
    set -- $before
    case $# in
    0) words='default default/tcp default/udp' ;;
    1) words='v4-only v6-only dual-stack v4 v6 any closed' ;;
    *)
        words='name= name=NAME severity=warning severity=critical missing=ok missing=warning missing=critical
            form=split form=single as=reached as=bound bind=loopback bind=link bind=%INTERFACE bind=PREFIX
            reach=none reach=loopback reach=link reach=external
            unit= unit=PATTERN user= user=NAME except-unit= except-unit=PATTERN ephemeral=yes
            mapped-warning= mapped-warning=RANGE mapped-critical= mapped-critical=RANGE
            ipv4-warning= ipv4-warning=RANGE ipv4-critical= ipv4-critical=RANGE
            waive-until= waive-until=YYYY-MM-DD note= note=WORD'
        ;;
    esac
    mapfile -t fitting < <(compgen -W "$words" -- "$last")
    [ ${#fitting[@]} -gt 0 ] || return 0
    COMPREPLY=("${fitting[@]/#/$before}")
    case ${#fitting[@]}/$# in
    1/0) COMPREPLY+=("${COMPREPLY[0]} closed") ;;
    1/*) COMPREPLY+=("${COMPREPLY[0]} name=") ;;
    esac
}

_check_dualstack() {
    local current option
    # The shell splits at "=" and ":" where COMP_WORDBREAKS says so: "--format" "=" "te".
    current=${COMP_WORDS[COMP_CWORD]}
    option=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $current in
    =) current='' ;;
    --*=*)
        option=${current%%=*}
        current=${current#*=}
        ;;
    esac
    if [ "$option" = = ] && [ "$COMP_CWORD" -gt 1 ]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $option == -[vr]*f ]]; then
        option=-f
    fi
    case $option in
    -r | --rule)
        # Without quotes a rule would be several words.
        [[ $current != [\'\"]* ]] || _check_dualstack_rule "${current:1}"
        ;;
    -f | --policy | --replay | --baseline | --hosts) _check_dualstack_paths -f "$current" ;;
    --procfs) _check_dualstack_paths -d "$current" ;;
    --netns) _check_dualstack_namespaces "$current" ;;
    *@) _check_dualstack_at_paths "$current" ;;
    --extra-opts) ;;
    --format) _check_dualstack_words "$current" text json csv html prometheus ;;
    --details) _check_dualstack_words "$current" auto none ;;
    --lint) _check_dualstack_words "$current" strict ;;
    --perfdata) _check_dualstack_words "$current" totals mapped full ;;
    --source) _check_dualstack_words "$current" auto netlink procfs ;;
    -w | --warning | -c | --critical | -t | --timeout | --max-age | --peers) ;;
    *)
        [[ $current == [!-]* ]] || _check_dualstack_words "$current" -r --rule= -f --policy= -w --warning= \
            -c --critical= -t --timeout= -v --verbose --format= --details= --perfdata= --peers= --list --learn --lint \
            --capture --baseline= --replay= --hosts= --max-age= --source= --procfs= --netns= --extra-opts= \
            -V --version -h --help
        [[ ${COMPREPLY[*]} != *= || ${#COMPREPLY[@]} -ne 1 ]] || compopt -o nospace
        ;;
    esac
}

complete -F _check_dualstack check_dualstack
