package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// ensureAttributes registers the search attributes that the namespace lacks. A
// start that sets an unregistered one fails, so no workflow may be started
// before this.
//
// Where the operator service is not accessible, as in Temporal Cloud, it assumes
// that all are registered.
func ensureAttributes(ctx context.Context, c client.Client, namespace string, logger *slog.Logger, attributes []temporal.SearchAttributeKeyKeyword) error {
	missing, err := missingAttributes(ctx, c, namespace, attributes)
	if errors.As(err, new(*serviceerror.PermissionDenied)) || errors.As(err, new(*serviceerror.Unimplemented)) {
		logger.Warn("search attributes cannot be checked here: make sure that all are registered", "error", err)
		return nil
	}
	if err != nil || len(missing) == 0 {
		return err
	}
	if _, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	}); err != nil {
		names := make([]string, 0, len(missing))
		for name, kind := range missing {
			names = append(names, name+" ("+kind.String()+")")
		}
		sort.Strings(names)
		return fmt.Errorf("search attributes %s are missing in namespace %s and could not be registered: %w; register them with "+
			"`temporal operator search-attribute create`", strings.Join(names, ", "), namespace, err)
	}
	return nil
}

// MissingAttributes are the names of the search attributes that the namespace
// lacks. known is false where the operator service is not accessible, as in
// Temporal Cloud.
func MissingAttributes(ctx context.Context, c client.Client, namespace string, attributes []temporal.SearchAttributeKeyKeyword) (missing []string, known bool, err error) {
	found, err := missingAttributes(ctx, c, namespace, attributes)
	if errors.As(err, new(*serviceerror.PermissionDenied)) || errors.As(err, new(*serviceerror.Unimplemented)) {
		return nil, false, nil
	}
	return slices.Sorted(maps.Keys(found)), true, err
}

func missingAttributes(ctx context.Context, c client.Client, namespace string, attributes []temporal.SearchAttributeKeyKeyword) (map[string]enumspb.IndexedValueType, error) {
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, a := range attributes {
		kind, ok := have.GetCustomAttributes()[a.GetName()]
		switch {
		case !ok:
			missing[a.GetName()] = a.GetValueType()
		case kind != a.GetValueType():
			return nil, fmt.Errorf("search attribute %s is registered as %s, but must be %s: remove it, or use another namespace",
				a.GetName(), kind, a.GetValueType())
		}
	}
	return missing, nil
}
