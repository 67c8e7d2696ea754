variable "region" {
  description = "Region of AWS in which all of this is made."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region of AWS, such as ap-northeast-1."
  }
}

variable "visitors" {
  description = "Who may call the load balancers, as CIDR blocks of IPv4. They speak plain HTTP, so name no more than you need."
  type        = list(string)

  validation {
    condition     = alltrue([for block in var.visitors : can(cidrnetmask(block))])
    error_message = "CIDR blocks of IPv4, such as 203.0.113.0/24; one address is 203.0.113.7/32."
  }
}

variable "network" {
  description = "An existing VPC with two or more subnets in different zones, from which tasks reach the internet. Without it, a VPC with two public subnets is made."
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })
  default = null

  validation {
    condition     = var.network == null ? true : startswith(var.network.vpc_id, "vpc-")
    error_message = "The id of a VPC, vpc-…"
  }

  validation {
    condition = var.network == null ? true : (
      length(distinct(var.network.subnet_ids)) >= 2 && alltrue([for id in var.network.subnet_ids : startswith(id, "subnet-")])
    )
    error_message = "Two or more different ids of subnets, subnet-…: a load balancer needs two zones."
  }
}

variable "cidr" {
  description = "Addresses of the VPC that is made. They matter only where it is connected with other networks."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(tonumber(split("/", var.cidr)[1]) <= 24 && tonumber(split("/", var.cidr)[1]) >= 16, false)
    error_message = "A CIDR block of IPv4 between /16 and /24, such as 10.20.0.0/16."
  }
}

variable "log_days" {
  description = "Days that the log groups keep a line. They hold what the Agent and the log router say; all else is in Datadog."
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_days)
    error_message = "One of CloudWatch's numbers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365."
  }
}
