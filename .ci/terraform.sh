# shellcheck shell=bash disable=SC2154
# The checks of infrastructure/ with Terraform. No package registry has the providers, so `terraform` works without them;
# `providers` fetches them, and runs in the GitHub workflow. Sourced by .ci/run, as .ci/setup.sh is.

# Formatting, the modules, the folders of env with stand-ins for their resources, and checkov.
step_terraform() {
    local folder name stand_ins=$scratch/stand-ins apps
    terraform_settings
    "$terraform" fmt -check -diff -recursive infrastructure || complain "run: terraform fmt -recursive infrastructure"
    "$terraform" fmt -check -diff .ci/terraform/tests || complain "run: terraform fmt .ci/terraform/tests"
    mapfile -t apps < <(grep -l 'kind: TerraformApp' infrastructure/env/*/app.pipecd.yaml)
    ! grep -L "terraformVersion: $TERRAFORM_VERSION\$" "${apps[@]}" | grep . ||
        complain "these files need terraformVersion: $TERRAFORM_VERSION, with which the modules are tested"
    for folder in infrastructure/modules/*/; do
        terraform_tests "$folder"
    done
    python .ci/terraform/stand_in.py "$stand_ins"
    for folder in "$stand_ins"/env/*; do
        name=$(basename "$folder")
        cp ".ci/terraform/tests/$name.tftest.hcl" "$folder" ||
            complain "infrastructure/env/$name has no test in .ci/terraform/tests"
        terraform_tests "$folder"
        example_is_complete "$folder" "$PWD/infrastructure/env/$name/terraform.tfvars.example"
    done
    the_tests_notice_mistakes "$stand_ins"
    "$checkov" --directory infrastructure --framework terraform --skip-download --compact --quiet ||
        complain "checkov has findings, see above. If one is intended, give the reason on that line: #checkov:skip=NUMBER:reason"
}

# With the providers: every argument, block and attribute must exist in the provider. This runs in a copy, because
# `init` writes a lock file.
step_providers() {
    local folder copy=$scratch/infrastructure
    terraform_settings
    cp -r infrastructure "$copy"
    for folder in "$copy"/env/*/terraform.tf; do
        rm -rf "$TF_DATA_DIR"
        "$terraform" -chdir="${folder%/*}" init -backend=false -no-color
        "$terraform" -chdir="${folder%/*}" validate -no-color
    done
}

# Terraform must not read the user's configuration, which may name mirrors of providers, and must not leave files in
# the tree.
terraform_settings() {
    export TF_CLI_CONFIG_FILE=/dev/null TF_IN_AUTOMATION=1 TF_DATA_DIR=$scratch/terraform-data CHECKPOINT_DISABLE=1
}

# terraform_tests FOLDER
terraform_tests() {
    local log=$scratch/terraform.log
    rm -rf "$TF_DATA_DIR"
    {
        "$terraform" -chdir="$1" init -backend=false -no-color &&
            "$terraform" -chdir="$1" validate -no-color &&
            "$terraform" -chdir="$1" test -no-color
    } >"$log" 2>&1 || complain "$(<"$log")" "the tests of $1 fail, see above"
    grep -q '^Success! [1-9]' "$log" || complain "$1 has no test:" "$(<"$log")"
    echo "${1#"$scratch"/}: $(sed -n 's/^Success! \([0-9]\)/\1/p' "$log")"
}

# example_is_complete FOLDER FILE: the example must set every variable without a default, and no variable that does
# not exist. Lines in comments are set, too.
example_is_complete() {
    local log=$scratch/terraform.log values=$scratch/example.tfvars
    sed -E 's/^# ([a-z0-9_]+ +=|  |\})/\1/' "$2" >"$values"
    "$terraform" -chdir="$1" plan -input=false -no-color -var-file="$values" >"$log" 2>&1 || complain "$(<"$log")" "$2 does not work, see above"
    ! grep -q 'undeclared variable' "$log" || complain "$(<"$log")" "$2 sets a variable that does not exist, see above"
}

# Mistakes that only show in a computed value: for each of them, a test of the stand-ins must fail.
the_tests_notice_mistakes() {
    local file old new folder changed=$scratch/changed text count=0
    while IFS='|' read -r file old new; do
        [[ $file != '#'* ]] || continue
        rm -rf "$changed"
        cp -r "$1" "$changed"
        text=$(<"$changed/$file")
        [[ $text == *"$old"* ]] || complain "$file does not contain '$old': the mistake cannot be made"
        printf '%s\n' "${text/"$old"/"$new"}" >"$changed/$file"
        folder=env/base-infra
        [[ $file != *github* ]] || folder=env/github-infra
        if (terraform_tests "$changed/$folder") >/dev/null 2>&1; then
            complain "$file: '$old' became '$new', and no test noticed"
        fi
        count=$((count + 1))
    done <.ci/terraform/tests/mistakes
    echo "$count mistakes in values, each noticed"
}
