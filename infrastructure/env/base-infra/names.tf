module "names" {
  source = "../../modules/names"

  prefixes = local.prefixes
  canaries = local.canaries
}
