module "names" {
  source = "../../modules/names"

  prefixes = local.prefixes
}
