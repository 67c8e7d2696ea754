package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	sdkecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	provider "github.com/pipe-cd/pipecd/pkg/app/piped/platformprovider/ecs"
)

// balancer is what Terraform creates before PipeCD runs: a cluster, and for each canary a load balancer whose
// listener forwards to two target groups.
type balancer struct {
	api *elb.Client
	ecs *sdkecs.Client
	// Load balancers by the canary's name.
	listeners map[string]string
	// ARNs by "NAME-primary" and "NAME-canary".
	groups map[string]string
}

// The canaries of this repository and another one, because they must not disturb each other.
func (r *repository) canaries() (names []string) {
	for _, a := range r.apps {
		if spec := a.config.ECSApplicationSpec; spec != nil && spec.Input.TargetGroups.Primary != nil {
			names = append(names, a.name())
		}
	}
	return append(names, "another")
}

func balance(ctx context.Context, endpoint string, canaries []string) (*balancer, error) {
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion("eu-central-1"))
	if err != nil {
		return nil, err
	}
	b := &balancer{api: elb.NewFromConfig(settings), ecs: sdkecs.NewFromConfig(settings),
		listeners: map[string]string{}, groups: map[string]string{}}
	// Empty, whatever existed before.
	if _, err := http.Post(endpoint+"/moto-api/reset", "", nil); err != nil {
		return nil, err
	}
	network, subnets, err := network(endpoint)
	if err != nil {
		return nil, err
	}
	for _, name := range canaries {
		if err := b.add(ctx, name, network, subnets); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *balancer) add(ctx context.Context, name, network string, subnets []string) error {
	made, err := b.api.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("handson-" + name), Subnets: subnets})
	if err != nil {
		return err
	}
	var targets []types.TargetGroupTuple
	for weight, variant := range []string{"canary", "primary"} {
		group, err := b.api.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("handson-" + name + "-" + variant),
			Protocol: types.ProtocolEnumHttp, Port: aws.Int32(8080), VpcId: &network, TargetType: types.TargetTypeEnumIp})
		if err != nil {
			return err
		}
		arn := group.TargetGroups[0].TargetGroupArn
		b.groups[name+"-"+variant] = *arn
		targets = append(targets, types.TargetGroupTuple{TargetGroupArn: arn, Weight: aws.Int32(int32(100 * weight))})
	}
	forward := types.Action{Type: types.ActionTypeEnumForward, ForwardConfig: &types.ForwardActionConfig{TargetGroups: targets}}
	listener, err := b.api.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: made.LoadBalancers[0].LoadBalancerArn,
		Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80), DefaultActions: []types.Action{forward}})
	if err != nil {
		return err
	}
	b.listeners[name] = *listener.Listeners[0].ListenerArn
	// A rule that somebody may add later: PipeCD writes it back unchanged, and needs the permission to do so.
	_, err = b.api.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: listener.Listeners[0].ListenerArn, Priority: aws.Int32(1),
		Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/healthz"}}},
		Actions: []types.Action{{Type: types.ActionTypeEnumFixedResponse,
			FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("404")}}}})
	return err
}

// network finds the default network of the stand-in for AWS. For one call, the EC2 SDK would be too much.
func network(endpoint string) (vpc string, subnets []string, err error) {
	request, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader("Action=DescribeSubnets&Version=2016-11-15"))
	if err != nil {
		return "", nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ci/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=none")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer answer.Body.Close()
	var found struct {
		Subnets []struct {
			ID  string `xml:"subnetId"`
			VPC string `xml:"vpcId"`
		} `xml:"subnetSet>item"`
	}
	if err := xml.NewDecoder(answer.Body).Decode(&found); err != nil || len(found.Subnets) < 2 {
		return "", nil, fmt.Errorf("%d subnets: %v", len(found.Subnets), err)
	}
	return found.Subnets[0].VPC, []string{found.Subnets[0].ID, found.Subnets[1].ID}, nil
}

func (b *balancer) cluster(ctx context.Context, name string) error {
	_, err := b.ecs.CreateCluster(ctx, &sdkecs.CreateClusterInput{ClusterName: &name})
	return err
}

// group is nil for an application without a load balancer.
func (b *balancer) group(name, variant string) *ecstypes.LoadBalancer {
	if arn, known := b.groups[name+"-"+variant]; known {
		return &ecstypes.LoadBalancer{TargetGroupArn: &arn}
	}
	return nil
}

// weights returns those of the listener of a canary, by the ARN of the target group.
func (b *balancer) weights(ctx context.Context, name string) (map[string]int32, error) {
	described, err := b.api.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{b.listeners[name]}})
	if err != nil {
		return nil, err
	}
	found := map[string]int32{}
	for _, target := range described.Listeners[0].DefaultActions[0].ForwardConfig.TargetGroups {
		found[*target.TargetGroupArn] = *target.Weight
	}
	return found, nil
}

// routesApart gives a fifth of the traffic to the canary of each application in turn, and checks that no other
// listener changes.
func (r *repository) routesApart(ctx context.Context, client provider.Client, b *balancer) {
	names := r.canaries()
	for i, name := range names {
		listeners, err := client.GetListenerArns(ctx, *b.group(name, "primary"))
		if err == nil && !slices.Equal(listeners, []string{b.listeners[name]}) {
			err = fmt.Errorf("the listeners are %v", listeners)
		}
		if err == nil {
			_, err = client.ModifyListeners(ctx, listeners, provider.RoutingTrafficConfig{
				{TargetGroupArn: b.groups[name+"-primary"], Weight: 80}, {TargetGroupArn: b.groups[name+"-canary"], Weight: 20}})
		}
		if err != nil {
			r.complain("infrastructure/env", "routing to %s: %v", name, err)
			return
		}
		for j, other := range names {
			wanted := int32(0)
			if j <= i {
				wanted = 20
			}
			if found, err := b.weights(ctx, other); err != nil || found[b.groups[other+"-canary"]] != wanted {
				r.complain("infrastructure/env", "after routing to %s, the listener of %s has the weights %v (%v)", name, other, found, err)
			}
		}
	}
}
