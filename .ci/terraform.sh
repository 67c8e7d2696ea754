# shellcheck shell=bash disable=SC2154
# The step for infrastructure/: what can be said of Terraform without an account, and without the providers, which cannot be
# downloaded everywhere. Sourced by .ci/run, as .ci/tools.sh is.

# The version that PipeCD applies with, and its hash as the Go checksum database has it.
TERRAFORM_VERSION=1.11.4
TERRAFORM_SUM='h1:n5VVSuZsOLbQc9tpqny1mnd6cttyTwvEpLPVewj9UYA='
# The packages with the providers' argument names, and the SHA-256 of each.
PROVIDER_NAMES=(
    'aws 21.22.1 d1446ab6ac6526c6fab4b28a5ebefdd90c0ce56203949925d35a4d286c05cbbf'
    'datadog 12.15.2 73c7eca7e014cc8fd610b3dd7574b087b2a010eeac1088a46c3a369ca8b78ea4'
)

step_terraform() {
    python_packages .ci/terraform/requirements.txt
    provider_names
    # What the checks themselves compile stays out of the repository.
    local -x PYTHONDONTWRITEBYTECODE=1
    "$venv/bin/python" .ci/terraform/check.py "$TERRAFORM_VERSION" "$names" || complain "see above"
    "$venv/bin/python" .ci/terraform/check.py "$TERRAFORM_VERSION" "$names" --mistakes ||
        complain "a mistake was not noticed, see above"
    "$venv/bin/checkov" --directory infrastructure --framework terraform --skip-download --compact --quiet ||
        complain "checkov has findings, see above. What is meant so gets its reason beside the line: #checkov:skip=NUMBER:reason"
    if ! terraform_program; then
        # shellcheck disable=SC2034 # .ci/run prints it
        not_run='as a whole: terraform fmt, validate and test need Terraform, or Go to build it. The other checks have passed'
        return 0
    fi
    terraform_says_so
}

# With Terraform itself: the form of the files, the modules, and the folders of env with stand-ins for their resources.
terraform_says_so() {
    local module folder stand_ins=$scratch/stand-ins
    # A configuration of the user, which may name mirrors of providers, and files that Terraform leaves.
    local -x TF_CLI_CONFIG_FILE=/dev/null TF_IN_AUTOMATION=1 TF_DATA_DIR=$scratch/terraform-data CHECKPOINT_DISABLE=1
    "$terraform" fmt -check -diff -recursive infrastructure || complain "terraform fmt -recursive infrastructure"
    "$terraform" fmt -check -diff .ci/terraform/tests || complain "terraform fmt .ci/terraform/tests"
    for module in infrastructure/modules/*/; do
        terraform_tests "$module"
    done
    "$venv/bin/python" .ci/terraform/check.py "$TERRAFORM_VERSION" "$names" --stand-in "$stand_ins"
    for folder in infrastructure/env/*/; do
        [[ -e $folder/terraform.tf ]] || continue
        folder=$(basename "$folder")
        cp ".ci/terraform/tests/$folder.tftest.hcl" "$stand_ins/infrastructure/env/$folder" ||
            complain "infrastructure/env/$folder has no test in .ci/terraform/tests"
        terraform_tests "$stand_ins/infrastructure/env/$folder"
    done
    the_tests_go_red "$stand_ins"
}

# terraform_tests FOLDER
terraform_tests() {
    local log=$scratch/terraform.log
    rm -rf "$TF_DATA_DIR"
    {
        "$terraform" -chdir="$1" init -backend=false -no-color &&
            "$terraform" -chdir="$1" validate -no-color &&
            "$terraform" -chdir="$1" test -no-color
    } >"$log" 2>&1 || complain "$(<"$log")" "$1 is red, see above"
    grep -q '^Success! [1-9]' "$log" || complain "$1 has no test:" "$(<"$log")"
    echo "${1#"$scratch"/}: $(sed -n 's/^Success! \([0-9]\)/\1/p' "$log")"
}

# Mistakes that only a computed value shows: the tests of the stand-ins notice each.
the_tests_go_red() {
    local file there instead folder changed text count=0
    while IFS='|' read -r file there instead; do
        [[ $file != '#'* ]] || continue
        changed=$scratch/changed
        rm -rf "$changed"
        cp -r "$1" "$changed"
        text=$(<"$changed/infrastructure/$file")
        [[ $text == *"$there"* ]] || complain "$file has no '$there' any more: the mistake cannot be made"
        printf '%s\n' "${text/"$there"/"$instead"}" >"$changed/infrastructure/$file"
        folder=env/base-infra
        [[ $file != *github* ]] || folder=env/github-infra
        if (terraform_tests "$changed/infrastructure/$folder") >/dev/null 2>&1; then
            complain "$file: '$there' became '$instead', and no test noticed"
        fi
        count=$((count + 1))
    done <.ci/terraform/tests/mistakes
    echo "$count mistakes in values, each noticed"
}

# Sets `names` to a folder with the argument names of the providers.
provider_names() {
    local provider short version sum package
    names=$cache/provider-names-$(cksum <<<"${PROVIDER_NAMES[*]}" | cut -d' ' -f1)
    [[ ! -e $names ]] || return 0
    needs npm npm
    rm -rf "$names.new"
    mkdir "$names.new"
    for provider in "${PROVIDER_NAMES[@]}"; do
        read -r short version sum <<<"$provider"
        package=$scratch/cdktf-provider-$short-$version.tgz
        npm pack --silent --pack-destination "$scratch" "@cdktf/provider-$short@$version" >/dev/null ||
            complain "npm cannot fetch the names of the provider $short"
        sha256sum --check --status <<<"$sum  $package" || complain "$package is not what was pinned"
        mkdir "$names.new/$short"
        tar -xzf "$package" -C "$names.new/$short" --strip-components 1 --wildcards package/package.json 'package/lib/*.d.ts'
        rm "$package"
    done
    mv "$names.new" "$names"
}

# Sets `terraform` to a Terraform that reads these files: the one on the PATH, or one that Go builds. False where there is
# neither.
terraform_program() {
    local folder=$cache/terraform-$TERRAFORM_VERSION
    if terraform=$(command -v terraform) && terraform_is_new_enough; then
        return 0
    fi
    terraform=$folder/terraform
    [[ ! -e $terraform ]] || return 0
    command -v go >/dev/null || return 1
    build_terraform "$folder" || complain "Terraform cannot be built, see above"
}

# build_terraform FOLDER. `set -e` does nothing where an `if` or `||` waits for the end, so each command says so itself.
build_terraform() {
    local source
    # Its go.mod has `replace`, so `go install` refuses it: it is built from a copy of its source.
    source=$(go mod download -json "github.com/hashicorp/terraform@v$TERRAFORM_VERSION" |
        python3 -c '
import json, sys
module = json.load(sys.stdin)
sys.exit("not what was pinned") if module["Sum"] != sys.argv[1] else print(module["Dir"])' "$TERRAFORM_SUM") || return 1
    cp -r "$source" "$scratch/terraform-source" &&
        chmod -R u+w "$scratch/terraform-source" &&
        # Without settings that a newer Go refuses to read, and without the places for state that are modules of their own,
        # which the proxy does not have. Nothing is applied here.
        sed -i -E '/^godebug |github\.com\/hashicorp\/terraform\/internal\//d' "$scratch/terraform-source/go.mod" &&
        sed -i -E '/remote-state\/(azure|consul|cos|gcs|kubernetes|oss|pg|s3)"/d; /backend(Azure|Consul|Cos|GCS|Kubernetes|OSS|Pg|S3)\.New/d' \
            "$scratch/terraform-source/internal/backend/init/init.go" &&
        rm -rf "$1.new" &&
        mkdir "$1.new" &&
        (cd "$scratch/terraform-source" &&
            go build -trimpath -ldflags '-s -w -X github.com/hashicorp/terraform/version.dev=no' -o "$1.new/terraform" .) &&
        rm -rf "$scratch/terraform-source" &&
        mv "$1.new" "$1"
}

# 1.11 has write-only arguments, and locks the state without a table.
terraform_is_new_enough() {
    TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1 "$terraform" version -json 2>/dev/null | python3 -c '
import json, sys
major, minor = json.load(sys.stdin)["terraform_version"].split(".")[:2]
sys.exit(not (1, 11) <= (int(major), int(minor)) < (2, 0))
' 2>/dev/null
}
